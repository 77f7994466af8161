// SPDX-License-Identifier: MIT
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("Decoder, Reference: logits are those of the training pass (momentum)") {
  check_decoder<Usual<HeavyBall>, Reference, double>(1e-12);
  check_decoder<Usual<Nesterov>, Reference, double>(1e-12);
  check_decoder<Usual<TripleMomentum>, Reference, double>(1e-12);
  check_decoder<Summed<TripleMomentum>, Reference, double>(1e-12);
}
