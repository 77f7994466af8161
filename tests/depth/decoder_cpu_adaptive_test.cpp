// SPDX-License-Identifier: MIT
#include <optiform/cpu/kernels.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/rms_prop.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("Decoder, Cpu: logits are those of the training pass (no stream or adaptive)") {
  check_decoder<Usual<GradientDescent>, Cpu, float>(1e-5);
  check_decoder<Usual<Adam>, Cpu, float>(1e-5);
  check_decoder<Usual<AdamW>, Cpu, float>(1e-5);
  check_decoder<Usual<RmsProp>, Cpu, float>(1e-5);
  check_decoder<Summed<GradientDescent>, Cpu, float>(1e-5);
}
