// SPDX-License-Identifier: MIT
// Step sizes, and normalised steps on the five states.
#include <doctest/doctest.h>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Normalised =
    PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic, NormalisedGradient>;
using NormalisedAccelerated =
    PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, NormalisedGradient, ValueRestart>;

}  // namespace

TEST_CASE("step sizes of the five states are the published ones") {
  CHECK(policy_gradient_rate(size) == doctest::Approx(1.25e-4).epsilon(1e-12));
  CHECK(accelerated_rate(size) == doctest::Approx(6.25e-5).epsilon(1e-12));
  CHECK(normalised_rate(size) == doctest::Approx(5.604e-4).epsilon(1e-4));
  CHECK(std::log(growing_steps(size).base) == doctest::Approx(5.733e-4).epsilon(1e-4));
  CHECK(growing_steps(size).bound == doctest::Approx(2.293e-3).epsilon(2e-4));
  CHECK(policy_gradient_rate({1, 3}) == doctest::Approx(.4));
  CHECK(accelerated_rate({1, 3}) == doctest::Approx(.2));
  CHECK_THROWS_AS(normalised_rate({2, 2, .9, 0}), Error);
}

TEST_CASE("the normalised gradient makes the gap fall exponentially") {
  Run<Normalised, 5, 5> run(mdp, {.improvement = normalised_options(mdp)});
  run.until(40000);
  const double before = run.gap();
  run.until(50000);
  CHECK(run.gap() == doctest::Approx(1.8e-5).epsilon(0.03));
  const double c = asymptotic::normalised(size, normalised_rate(size));
  CHECK(c == doctest::Approx(2.802e-4).epsilon(1e-4));
  CHECK(relative(std::log(before / run.gap()) / 1e4, c) < 1e-3);
}

TEST_CASE("momentum on the normalised gradient: faster than exponentially") {
  Run<NormalisedAccelerated, 5, 5> run(mdp, {.improvement = normalised_apg_options(mdp)});
  run.until(500);
  const double at_500 = run.gap();
  CHECK(at_500 == doctest::Approx(6.8e-3).epsilon(0.01));
  run.until(1000);
  CHECK(run.gap() == doctest::Approx(8.9e-14).epsilon(0.01));
  const double fall = std::log(at_500 / run.gap());
  CHECK(fall == doctest::Approx(25.1).epsilon(2.5e-3));
  const double c = asymptotic::normalised_accelerated(size, normalised_rate(size));
  CHECK(c * (1000.0 * 1000 - 500 * 500) == doctest::Approx(26.3).epsilon(2e-3));

  run.on.start_from(hard_start.data());
  run.until(1000);
  CHECK(run.gap() == doctest::Approx(1.157).epsilon(1e-3));
  run.until(2000);
  CHECK(run.gap() == doctest::Approx(4.5e-13).epsilon(0.01));
}
