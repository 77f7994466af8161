// SPDX-License-Identifier: MIT
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, Cpu in float: Adam, AdamW") {
  check_parity<Usual<Adam>, Cpu, float>("adam");
  check_parity<Usual<AdamW>, Cpu, float>("adamw");
}
