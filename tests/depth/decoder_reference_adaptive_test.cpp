// SPDX-License-Identifier: MIT
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/rms_prop.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("Decoder, Reference: logits are those of the training pass (no stream or adaptive)") {
  check_decoder<Usual<GradientDescent>, Reference, double>(1e-12);
  check_decoder<Usual<Adam>, Reference, double>(1e-12);
  check_decoder<Usual<AdamW>, Reference, double>(1e-12);
  check_decoder<Usual<RmsProp>, Reference, double>(1e-12);
  check_decoder<Summed<GradientDescent>, Reference, double>(1e-12);
}
