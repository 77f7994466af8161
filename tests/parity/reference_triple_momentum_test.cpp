// SPDX-License-Identifier: MIT
#include <optiform/rules/triple_momentum.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, reference: triple momentum, without norm, from rest") {
  constexpr DepthOptions without_norm{.velocity_norm = Norm::none};
  constexpr DepthOptions from_rest{.start = StreamStart::zeros};
  check_parity<Usual<TripleMomentum>, Reference, double>("tmm");
  check_parity<Usual<TripleMomentum>, Reference, float>("tmm");
  check_parity<Usual<TripleMomentum, without_norm>, Reference, double>("tmm_without_norm");
  check_parity<Usual<TripleMomentum, from_rest>, Reference, double>("tmm_zero_start");
}
