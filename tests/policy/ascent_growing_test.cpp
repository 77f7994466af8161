// SPDX-License-Identifier: MIT
// Steps that grow exponentially, on the five states.
#include <doctest/doctest.h>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Growing = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ClippedSteps, ValueRestart>;

using GrowingRun = Run<Growing, 5, 5>;
GrowingRun::On::Options growing_options() {
  return {.improvement = growing_apg_options(mdp),
          .stabilizers = {ClippedSteps{.bound = growing_steps(size).bound}, ValueRestart{}}};
}

}  // namespace

TEST_CASE("steps that grow exponentially, clipped, make the gap fall exponentially") {
  GrowingRun run(mdp, growing_options());
  const GrowingSteps steps = growing_steps(size);
  const auto theory = [&](double t) {
    return asymptotic::growing_accelerated(size, steps.initial, steps.base, t);
  };
  run.until(10000);
  CHECK(run.gap() == doctest::Approx(2.28e-5).epsilon(2e-3));
  CHECK(theory(1e4) == doctest::Approx(1.78e-5).epsilon(2e-3));
  run.until(20000);
  CHECK(run.gap() == doctest::Approx(2.9e-8).epsilon(0.01));
  CHECK(theory(2e4) == doctest::Approx(2.88e-8).epsilon(2e-3));
  CHECK(relative(run.gap(), theory(2e4)) < 0.02);
  run.until(50000);
  CHECK(theory(5e4) == doctest::Approx(3.9e-16).epsilon(2e-3));
  CHECK(relative(run.gap(), theory(5e4)) < 0.03);

  GrowingRun hard(mdp, growing_options(), hard_start);
  hard.until(20000);
  CHECK(hard.gap() == doctest::Approx(8.3e-9).epsilon(5e-3));
}
