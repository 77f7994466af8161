// SPDX-License-Identifier: MIT
#include <optiform/rules/rms_prop.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in float: RMSProp, Euler splitting") {
  check_parity<Usual<RmsProp>, Cpu, float>("rmsprop");
  check_parity<Summed<TripleMomentum>, Cpu, float>("tmm_euler");
}
