// SPDX-License-Identifier: MIT
// Steps on probabilities: mirror descent, natural policy gradient, trust region.
#include <doctest/doctest.h>

#include <algorithm>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Natural = PolicyOptimizer<NaturalPolicyGradient, ExactCritic>;
using Trusted = PolicyOptimizer<TrustRegion, ExactCritic>;

/// Steps on A / (1 - gamma), as papers write them, are 1 / (1 - gamma) times steps on A.
constexpr double horizon = 10;

Run<Natural, 5, 5> natural(CoefficientSchedule step, const std::vector<double>& start = {}) {
  return {mdp, {.improvement = {.step = step}}, start.empty() ? mdp.start_logits() : start};
}

}  // namespace

TEST_CASE("natural policy gradient: the gap falls as exp(-rate deficit t)") {
  auto run = natural(1.25e-4 * horizon);
  run.until(100000);
  CHECK(run.gap() == doctest::Approx(6.5e-7).epsilon(5e-3));

  auto fast = natural(.1 * horizon);
  fast.until(900);
  const double before = fast.gap();
  fast.until(1000);
  CHECK(fast.gap() == doctest::Approx(2.9e-43).epsilon(0.02));
  const double slope = std::log(before / fast.gap()) / 100;
  CHECK(slope == doctest::Approx(.0956).epsilon(1e-3));
  CHECK(relative(slope, asymptotic::natural(.1 * horizon, least_deficit)) < 1e-3);
}

TEST_CASE("mirror descent with steps that grow as gamma^-k: a few dozen iterations") {
  const auto steps = CoefficientSchedule::geometric(.9, 1 / .9);  // 1, 1 / .9, ...
  auto run = natural(steps);
  run.until(20);
  CHECK(run.gap() == doctest::Approx(2.8e-4).epsilon(2e-3));
  run.until(50);
  CHECK(run.gap() == doctest::Approx(7e-74).epsilon(0.01));
  auto hard = natural(steps, hard_start);
  hard.until(50);
  CHECK(hard.gap() == doctest::Approx(1.9e-73).epsilon(0.02));
}

TEST_CASE("trust region: every step keeps the divergence, none loses, the optimum is reached") {
  for (const double bound : {.003, .03}) {
    Run<Trusted, 5, 5> run(mdp, {.improvement = {.divergence = bound}}, hard_start);
    double last = run.objective();
    auto before = run.probabilities();
    int fell = 0;
    double most = 0;
    while (run.on.iteration() < 2000 && run.gap() > 1e-9) {
      const auto& old = run.on.critic().iterate(run.on.policy(), run.on.parameters());
      const std::vector<double> visits(old.visits(), old.visits() + 5);
      run.step();
      const auto after = run.probabilities();
      double divergence = 0, total = 0;
      for (std::size_t s = 0; s < 5; ++s) {
        total += visits[s];
        for (std::size_t i = 5 * s; i < 5 * s + 5; ++i)
          divergence += visits[s] * before[i] * std::log(before[i] / after[i]);
      }
      most = std::max(most, divergence / total);
      fell += run.objective() < last - 1e-12 ? 1 : 0;
      last = run.objective();
      before = after;
    }
    CAPTURE(bound);
    CHECK(fell == 0);
    CHECK(most <= bound * (1 + 1e-9));
    CHECK(most > .5 * bound);
    CHECK(run.gap() <= 1e-9);
  }
}
