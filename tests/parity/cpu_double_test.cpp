// SPDX-License-Identifier: MIT
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in double: triple momentum, AdamW") {
  check_parity<Usual<TripleMomentum>, Cpu, double>("tmm");
  check_parity<Usual<AdamW>, Cpu, double>("adamw");
}
