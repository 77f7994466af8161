// SPDX-License-Identifier: MIT
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/muon.hpp>
#include <optiform/rules/soap.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("Decoder: logits of matrix rules are those of the training pass") {
  check_decoder<Usual<Muon>, Reference, double>(1e-12);
  check_decoder<Usual<Soap>, Reference, double>(1e-10);
  check_decoder<Usual<Ortho>, Cpu, float>(1e-4);
  check_decoder<Usual<Shampoo>, Cpu, float>(1e-3);
}
