// SPDX-License-Identifier: MIT
#include <optiform/rules/adam.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/rms_prop.hpp>

#include "parity.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("parity with PyTorch, reference in double: Adam, AdamW, RMSProp") {
  check_parity<Usual<Adam>, Reference, double>("adam");
  check_parity<Usual<AdamW>, Reference, double>("adamw");
  check_parity<Usual<RmsProp>, Reference, double>("rmsprop");
}
