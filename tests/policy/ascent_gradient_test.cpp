// SPDX-License-Identifier: MIT
// The policy gradient theorem: sum_s d(s) sum_a pi(a | s) A(s, a) grad log pi(a | s) / (1 - gamma)
// is the gradient of the objective.
#include <algorithm>

#include "../support/random_data.hpp"
#include "ascent_gradient_check.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("the gradient of a table agrees with central differences of the objective") {
  Rng rng(7);
  for (const double deviation : {0.0, 1.0, 2.0}) {
    const auto logits = normal(rng, 25, deviation);
    CAPTURE(deviation);
    check_gradient<SoftmaxTable, Cpu>(logits);
    check_gradient<DirectTable, Cpu>(logits);
  }
}

TEST_CASE("the derivatives of a state's logits sum to zero") {
  Rng rng(9);
  Run<PlainGradient, 5, 5> run(mdp, {.improvement = policy_gradient_options(mdp)});
  for (int sample = 0; sample < 100; ++sample) {
    run.on.start_from(normal(rng, 25, 3).data());
    run.step();
    for (int s = 0; s < 5; ++s) {
      double sum = 0, largest = 0;
      for (int a = 0; a < 5; ++a) {
        const double g = run.on.improvement().gradient()[5 * s + a];
        sum += g;
        largest = std::max(largest, std::fabs(g));
      }
      REQUIRE(std::fabs(sum) < 1e-14 * (1 + largest));
    }
  }
}
