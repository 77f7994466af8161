// SPDX-License-Identifier: MIT
// Probabilities as parameters: projected gradients reach the optimum after finitely many steps.
#include <doctest/doctest.h>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class R>
void check_probabilities(R& run) {
  const auto p = run.probabilities();
  for (std::size_t s = 0; s < 5; ++s) {
    double sum = 0;
    for (std::size_t a = 0; a < 5; ++a) {
      CHECK(p[5 * s + a] >= 0);
      sum += p[5 * s + a];
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-14));
  }
}

}  // namespace

TEST_CASE("projected policy gradient reaches the optimum") {
  Run<PlainGradient, 5, 5, DirectTable> run(mdp, {.improvement = policy_gradient_options(mdp)},
                                            hard_start);
  run.until(100);
  check_probabilities(run);
  run.until(40000);
  CHECK(run.gap() == doctest::Approx(.0344).epsilon(2e-3));  // the theorem's step is small
  auto options = policy_gradient_options(mdp);
  options.learning_rate = .1;
  Run<PlainGradient, 5, 5, DirectTable> fast(mdp, {.improvement = options}, hard_start);
  while (fast.gap() > 0 && fast.on.iteration() < 5000) fast.step();
  CHECK(fast.gap() == 0);
  CHECK(fast.on.iteration() < 200);
  check_probabilities(fast);
}

TEST_CASE("euclidean mirror descent reaches the optimum") {
  using Projected = PolicyOptimizer<MirrorDescent<Euclidean>, ExactCritic>;
  Run<Projected, 5, 5, DirectTable> run(mdp, {.improvement = {.step = .1}}, hard_start);
  while (run.gap() > 0 && run.on.iteration() < 5000) run.step();
  CHECK(run.gap() == 0);
  CHECK(run.on.iteration() < 200);
  check_probabilities(run);
}
