// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <optiform/core/unrolled.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/environments/tabular/evaluation.hpp>
#include <optiform/environments/tabular/paper_mdps.hpp>
#include <optiform/environments/tabular/random_mdps.hpp>

#include "exact_evaluation.hpp"
#include "solvers.hpp"

namespace optiform::testing {
namespace {

template <class Evaluator>
void evaluate(Evaluator& evaluator, const std::vector<double>& probability) {
  evaluator.begin(probability.data());
  evaluator.complete(probability.data());
}

}  // namespace

TEST_CASE_TEMPLATE("evaluation: the identities hold on every named process", Backend, OnCpu,
                   OnReference) {
  for (const char* name : {"5s5a", "m2", "q3", "q6", "bh", "chain", "deep-sea:6", "garnet:40,3,2,5",
                           "random:7,3,2", "cliff-walk", "frozen-lake", "four-rooms"}) {
    CAPTURE(name);
    const TabularMdp<> mdp = process(name);
    const auto policy = random_policy(mdp, 3);
    const Evaluation e = evaluation(Backend(), mdp, policy);
    double bellman = 0, flow = 0, visits = 0, mean_advantage = 0, by_visits = 0, largest = 1;
    std::vector<double> arrivals;
    const std::size_t states = e.value.size(), actions = e.action_value.size() / states;
    for (std::size_t s = 0; s < states; ++s) {
      arrivals.push_back(mdp.start(static_cast<int>(s)));
      largest = std::fmax(largest, std::fabs(e.value[s]));
    }
    for (std::size_t s = 0; s < states; ++s) {
      double value = 0, mean = 0;
      for (std::size_t a = 0; a < actions; ++a) {
        const std::size_t at = s * actions + a;
        const auto pair = static_cast<Index>(at);
        const double p = policy[at];
        value += p * e.action_value[at];
        mean += p * e.advantage[at];
        by_visits += e.visits[s] * p * mdp.reward(pair);
        for (const auto* n = mdp.begin(pair); n != mdp.end(pair); ++n)
          arrivals[static_cast<std::size_t>(n->state)] +=
              mdp.discount() * e.visits[s] * p * n->probability;
      }
      bellman = std::fmax(bellman, std::fabs(value - e.value[s]));
      mean_advantage = std::fmax(mean_advantage, std::fabs(mean));
      visits += e.visits[s];
    }
    for (std::size_t s = 0; s < states; ++s)
      flow = std::fmax(flow, std::fabs(arrivals[s] - e.visits[s]));
    CHECK(bellman < 1e-12 * largest);
    CHECK(mean_advantage < 1e-12 * largest);
    CHECK(flow < 1e-11);
    CHECK(std::fabs(visits * (1 - mdp.discount()) - 1) < 1e-11);
    CHECK(std::fabs(by_visits - e.objective) < 1e-11 * largest);
  }
}

TEST_CASE_TEMPLATE("evaluation: agrees with long double", Backend, OnCpu, OnReference) {
  for (const char* name : {"5s5a", "q6", "garnet:30,3,4,9", "random:12,2,4", "four-rooms"}) {
    CAPTURE(name);
    const TabularMdp<> mdp = process(name);
    const auto policy = random_policy(mdp, 8);
    const Evaluation e = evaluation(Backend(), mdp, policy);
    const ExactEvaluation exact(mdp, {policy.begin(), policy.end()});
    CHECK(distance(e.value, exact.value, exact.value.size()) < 1e-13);
    CHECK(distance(e.visits, exact.visits, exact.visits.size()) < 1e-13);
    CHECK(distance(e.action_value, exact.action_value, policy.size()) < 1e-13);
    CHECK(std::fabs(static_cast<double>(e.objective - exact.objective)) < 1e-13 * 10);
  }
}

TEST_CASE_TEMPLATE("evaluation: sizes as types change nothing", Backend, OnCpu, OnReference) {
  for (const TabularMdp<>& mdp : {five_state_mdp(), random_mdp(5, 5, 0.99, 6)}) {
    const TabularMdp<5, 5> small(mdp);
    const auto policy = random_policy(mdp, 4);
    const Evaluation large_one = evaluation(Backend(), mdp, policy);
    TabularEvaluator<TabularMdp<5, 5>, Cpu, double> small_one(small);
    evaluate(small_one, policy);
    CHECK(distance(small_one.value(), large_one.value, 5) < 1e-13);
    CHECK(distance(small_one.visits(), large_one.visits, 5) < 1e-13);
    CHECK(distance(small_one.action_value(), large_one.action_value, 25) < 1e-13);
    CHECK(distance(small_one.advantage(), large_one.advantage, 25) < 1e-13);
  }
}

TEST_CASE("evaluation: a lane of a pack is one process") {
  using Lanes = Pack<double>;
  constexpr int lanes = lane_count<Lanes>;
  std::vector<TabularMdp<>> mdps;
  std::vector<const TabularMdp<>*> each;
  for (int i = 0; i < lanes; ++i)
    mdps.push_back(random_mdp(5, 5, 0.9 + 0.01 * i, static_cast<std::uint64_t>(i)));
  for (const auto& mdp : mdps) each.push_back(&mdp);
  const TabularMdp<5, 5, Lanes> packed(each);
  TabularEvaluator<TabularMdp<5, 5, Lanes>, Cpu, Lanes> together(packed);
  Lanes best[25];
  policy_iteration(together, best);
  std::vector<Lanes> probability(25);
  for (int i = 0; i < lanes; ++i) {
    CAPTURE(i);
    const auto& mdp = mdps[static_cast<std::size_t>(i)];
    const TabularMdp<5, 5> single(mdp);
    TabularEvaluator<TabularMdp<5, 5>, Cpu, double> alone(single);
    double own[25];
    policy_iteration(alone, own);
    double worst = 0;
    for (int at = 0; at < 25; ++at) {
      CHECK(lane(best[at], i) == own[at]);
      worst = std::fmax(worst,
                        std::fabs(lane(together.action_value()[at], i) - alone.action_value()[at]));
    }
    CHECK(worst < 1e-13 * 10);
    const auto policy = random_policy(mdp, static_cast<std::uint64_t>(i));
    for (std::size_t at = 0; at < 25; ++at) lane(probability[at], i) = policy[at];
  }
  together.begin(probability.data());
  together.complete(probability.data());
  for (int i = 0; i < lanes; ++i) {
    const TabularMdp<5, 5> single(mdps[static_cast<std::size_t>(i)]);
    TabularEvaluator<TabularMdp<5, 5>, Cpu, double> alone(single);
    evaluate(alone,
             random_policy(mdps[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(i)));
    double worst = std::fabs(lane(together.objective(), i) - alone.objective());
    for (int s = 0; s < 5; ++s)
      worst = std::fmax(worst, std::fabs(lane(together.visits()[s], i) - alone.visits()[s]));
    CHECK(worst < 1e-13 * 20);
  }
}

}  // namespace optiform::testing
