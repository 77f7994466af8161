// SPDX-License-Identifier: MIT
#include <optiform/cpu/kernels.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("Decoder, Cpu: logits are those of the training pass (momentum)") {
  check_decoder<Usual<HeavyBall>, Cpu, float>(1e-5);
  check_decoder<Usual<Nesterov>, Cpu, float>(1e-5);
  check_decoder<Usual<TripleMomentum>, Cpu, float>(1e-5);
  check_decoder<Summed<TripleMomentum>, Cpu, float>(1e-5);
}
