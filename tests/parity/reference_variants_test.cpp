// SPDX-License-Identifier: MIT
#include <optiform/rules/adam.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, reference in double: Euler splitting, read-out") {
  check_parity<Summed<TripleMomentum>, Reference, double>("tmm_euler");
  check_parity<Summed<Adam>, Reference, double>("adam_euler");
  using ReadOut = WithReadOut<TripleMomentum>;
  check_parity<Usual<ReadOut>, Reference, double>("tmm_read_out", {{"delta", 0.3}});
}
