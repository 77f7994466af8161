// SPDX-License-Identifier: MIT
#include <optiform/tabular.hpp>

#include "solvers.hpp"

namespace optiform::testing {
namespace {

using Evaluator = TabularEvaluator<TabularMdp<>, Cpu, double>;

Evaluation copied(Evaluator& e, std::vector<double> probability) {
  const Index states = e.model().states(), pairs = e.model().pairs();
  return {std::move(probability),
          {e.value(), e.value() + states},
          {e.visits(), e.visits() + states},
          {e.action_value(), e.action_value() + pairs},
          {e.advantage(), e.advantage() + pairs},
          e.objective()};
}

}  // namespace

Evaluation evaluation(OnCpu, const TabularMdp<>& mdp, const std::vector<double>& probability) {
  Evaluator e(mdp);
  e.begin(probability.data());
  e.complete(probability.data());
  return copied(e, probability);
}

Evaluation optimum(OnCpu, const TabularMdp<>& mdp) {
  Evaluator e(mdp);
  std::vector<double> probability(static_cast<std::size_t>(mdp.pairs()));
  policy_iteration(e, probability.data());
  return copied(e, std::move(probability));
}

std::vector<double> start_of(OnCpu, const TabularMdp<>& mdp, std::string_view name) {
  return named_start<Cpu>(mdp, name);
}

}  // namespace optiform::testing
