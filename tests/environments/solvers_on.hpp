// SPDX-License-Identifier: MIT
// What solvers.hpp declares, on any backend.
#pragma once

#include <utility>

#include <optiform/tabular.hpp>

#include "solvers.hpp"

namespace optiform::testing {

template <class Backend>
struct SolversOn {
  using Evaluator = TabularEvaluator<TabularMdp<>, Backend, double>;

  static Evaluation copied(Evaluator& e, std::vector<double> probability) {
    const Index states = e.model().states(), pairs = e.model().pairs();
    return {std::move(probability),
            {e.value(), e.value() + states},
            {e.visits(), e.visits() + states},
            {e.action_value(), e.action_value() + pairs},
            {e.advantage(), e.advantage() + pairs},
            e.objective()};
  }
  static Evaluation evaluation(const TabularMdp<>& mdp, const std::vector<double>& probability) {
    Evaluator e(mdp);
    e.begin(probability.data());
    e.complete(probability.data());
    return copied(e, probability);
  }
  static Evaluation optimum(const TabularMdp<>& mdp) {
    Evaluator e(mdp);
    std::vector<double> probability(static_cast<std::size_t>(mdp.pairs()));
    policy_iteration(e, probability.data());
    return copied(e, std::move(probability));
  }
};

}  // namespace optiform::testing
