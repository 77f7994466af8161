// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/core/unrolled.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/environments/tabular/evaluation.hpp>
#include <optiform/environments/tabular/random_mdps.hpp>

#include "exact_evaluation.hpp"
#include "solvers.hpp"

namespace optiform::testing {
namespace {

/// The best objective by trying every deterministic policy.
double best_by_trial(const TabularMdp<>& mdp) {
  std::vector<int> choice(static_cast<std::size_t>(mdp.states()), 0);
  double best = -HUGE_VAL;
  for (;;) {
    std::vector<Real> probability(static_cast<std::size_t>(mdp.pairs()), 0);
    bool possible = true;
    for (std::size_t s = 0; s < choice.size(); ++s) {
      const std::size_t pair =
          s * static_cast<std::size_t>(mdp.actions()) + static_cast<std::size_t>(choice[s]);
      probability[pair] = 1;
      possible = possible && mdp.available(static_cast<Index>(pair));
    }
    if (possible)
      best = std::fmax(best, static_cast<double>(ExactEvaluation(mdp, probability).objective));
    std::size_t s = 0;
    while (s < choice.size() && ++choice[s] == mdp.actions()) choice[s++] = 0;
    if (s == choice.size()) return best;
  }
}

}  // namespace

TEST_CASE("planning: policy iteration finds the best of all policies") {
  for (const TabularMdp<>& mdp :
       {process("q3"), process("q6"), process("m2"), process("bn"), process("chain:5"),
        process("deep-sea:3"), random_mdp(4, 4, 0.95, 3), garnet_mdp(6, 3, 2, 0.8, 4)}) {
    CAPTURE(mdp.name());
    const double best = best_by_trial(mdp);
    CHECK(std::fabs(optimum(OnCpu(), mdp).objective - best) < 1e-11);
    CHECK(std::fabs(optimum(OnReference(), mdp).objective - best) < 1e-11);
  }
  // The form with sizes as types starts elsewhere and ends there as well.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const TabularMdp<> mdp = random_mdp(4, 3, 0.95, seed);
    const TabularMdp<4, 3> sized(mdp);
    TabularEvaluator<TabularMdp<4, 3>, Cpu, double> evaluator(sized);
    std::vector<double> policy(12);
    policy_iteration(evaluator, policy.data());
    CHECK(policy == optimum(OnCpu(), mdp).probability);
  }
}

TEST_CASE("planning: value iteration keeps its bound and agrees with policy iteration") {
  for (const char* name :
       {"5s5a", "m2", "q3", "q6", "bu", "b2", "chain:30", "deep-sea:8", "garnet", "random:8,3,2",
        "cliff-walk", "frozen-lake", "frozen-lake:8", "four-rooms", "taxi"}) {
    CAPTURE(name);
    const TabularMdp<> mdp = process(name);
    const Evaluation best = optimum(OnCpu(), mdp);
    for (const double tolerance : {1e-3, 1e-10}) {
      const OptimalValue found = value_iteration(mdp, {.tolerance = tolerance});
      const auto n = static_cast<std::size_t>(mdp.states());
      double error = 0, largest = 1;
      for (std::size_t s = 0; s < n; ++s) {
        error = std::fmax(error, std::fabs(found.value[s] - best.value[s]));
        largest = std::fmax(largest, std::fabs(best.value[s]));
      }
      CHECK(found.bound <= tolerance * (1 + largest) * (1 + tolerance));
      CHECK(error <= found.bound + 1e-11 * largest);
      const Evaluation greedy = evaluation(OnCpu(), mdp, found.probability);
      CHECK(greedy.objective <= best.objective + 1e-11 * largest);
      if (tolerance == 1e-10) CHECK(greedy.objective >= best.objective - 1e-8 * largest);
    }
  }
}

TEST_CASE("planning: value iteration ends where rounding or its budget does") {
  const TabularMdp<> mdp = garnet_mdp(50, 3, 3, 0.999, 2);
  const OptimalValue finest = value_iteration(mdp, {.tolerance = 0});
  CHECK(finest.sweeps < 100'000);
  CHECK(finest.bound < 1e-9);
  const OptimalValue short_one = value_iteration(mdp, {.tolerance = 0, .sweeps = 7});
  CHECK(short_one.sweeps == 7);
  for (std::size_t s = 0; s < finest.value.size(); ++s)
    CHECK(std::fabs(short_one.value[s] - finest.value[s]) <= short_one.bound + finest.bound);
}

}  // namespace optiform::testing
