// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/environments/tabular/chains.hpp>
#include <optiform/environments/tabular/planning.hpp>
#include <optiform/environments/tabular/random_mdps.hpp>

#include "exact_evaluation.hpp"
#include "solvers.hpp"

namespace optiform::testing {

TEST_CASE("large processes: the sparse solver agrees with elimination") {
  for (const TabularMdp<>& mdp :
       {garnet_mdp(450, 3, 5, 0.9, 2), garnet_mdp(420, 4, 2, 0.99, 3), chain_mdp(410, 0.97)}) {
    CAPTURE(mdp.name());
    const auto policy = random_policy(mdp, 5);
    const Evaluation sparse = evaluation(OnCpu(), mdp, policy),
                     dense = evaluation(OnReference(), mdp, policy);
    CHECK(distance(sparse.value, dense.value, dense.value.size()) < 1e-10);
    CHECK(distance(sparse.visits, dense.visits, dense.visits.size()) < 1e-10);
    CHECK(distance(sparse.advantage, dense.advantage, policy.size()) < 1e-10);
  }
}

TEST_CASE("large processes: a hundred thousand states are evaluated and planned" *
          doctest::test_suite("slow")) {
  SUBCASE("garnet") {
    const TabularMdp<> mdp = garnet_mdp(100'000, 2, 3);
    const auto policy = random_policy(mdp, 1);
    const Evaluation e = evaluation(OnCpu(), mdp, policy);
    double visits = 0, bellman = 0;
    for (std::size_t s = 0; s < e.value.size(); ++s) {
      visits += e.visits[s];
      bellman = std::fmax(bellman, std::fabs(policy[2 * s] * e.advantage[2 * s] +
                                             policy[2 * s + 1] * e.advantage[2 * s + 1]));
    }
    CHECK(std::fabs(visits - 10) < 1e-9);
    CHECK(bellman < 1e-9);
    const Evaluation best = optimum(OnCpu(), mdp);
    CHECK(best.objective > e.objective + 0.5);
    CHECK(value_iteration(mdp).value[0] == doctest::Approx(best.value[0]).epsilon(1e-8));
  }
  SUBCASE("chain") {
    const int states = 100'000;
    const double gamma = 0.9;
    const TabularMdp<> mdp = chain_mdp(states, gamma);
    std::vector<double> right(static_cast<std::size_t>(mdp.pairs()), 0);
    for (std::size_t s = 0; s < static_cast<std::size_t>(states); ++s) right[2 * s + 1] = 1;
    const Evaluation e = evaluation(OnCpu(), mdp, right);
    for (const int back : {0, 1, 10, 100})
      CHECK(e.value[static_cast<std::size_t>(states - 1 - back)] ==
            doctest::Approx(std::pow(gamma, back) / (1 - gamma)).epsilon(1e-9));
    for (const int s : {0, 1, 10, 100})
      CHECK(e.visits[static_cast<std::size_t>(s)] ==
            doctest::Approx(std::pow(gamma, s)).epsilon(1e-9));
  }
}

}  // namespace optiform::testing
