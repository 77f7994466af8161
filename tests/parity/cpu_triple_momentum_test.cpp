// SPDX-License-Identifier: MIT
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in float: Nesterov, triple momentum") {
  check_parity<Usual<Nesterov>, Cpu, float>("nesterov");
  check_parity<Usual<TripleMomentum>, Cpu, float>("tmm");
}
