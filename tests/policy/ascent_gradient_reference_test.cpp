// SPDX-License-Identifier: MIT
#include "../support/random_data.hpp"
#include "ascent_gradient_check.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("the reference's gradient of a table agrees with central differences") {
  Rng rng(7);
  for (const double deviation : {0.0, 1.0, 2.0}) {
    const auto logits = normal(rng, 25, deviation);
    CAPTURE(deviation);
    check_gradient<SoftmaxTable, Reference>(logits);
    check_gradient<DirectTable, Reference>(logits);
  }
}
