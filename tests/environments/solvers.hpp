// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include <optiform/environments/tabular/mdp.hpp>

namespace optiform::testing {

/// What an evaluator says about one policy. The solvers are compiled once for all files of tests,
/// in cpu_solvers_test.cpp and reference_solvers_test.cpp.
struct Evaluation {
  std::vector<double> probability, value, visits, action_value, advantage;
  double objective = 0;
};

struct OnCpu {};
struct OnReference {};

Evaluation evaluation(OnCpu, const TabularMdp<>& mdp, const std::vector<double>& probability);
Evaluation evaluation(OnReference, const TabularMdp<>& mdp, const std::vector<double>& probability);

/// By policy iteration.
Evaluation optimum(OnCpu, const TabularMdp<>& mdp);
Evaluation optimum(OnReference, const TabularMdp<>& mdp);

std::vector<double> start_of(OnCpu, const TabularMdp<>& mdp, std::string_view name);
std::vector<double> start_of(OnReference, const TabularMdp<>& mdp, std::string_view name);

/// The probabilities that logits stand for, [states, actions].
template <class Real = double>
std::vector<Real> softmax(const TabularMdp<>& mdp, const std::vector<double>& logits) {
  std::vector<Real> probability;
  const auto actions = static_cast<std::size_t>(mdp.actions());
  for (std::size_t first = 0; first < logits.size(); first += actions) {
    Real sum = 0;
    for (std::size_t i = first; i < first + actions; ++i) sum += std::exp(Real(logits[i]));
    for (std::size_t i = first; i < first + actions; ++i)
      probability.push_back(std::exp(Real(logits[i])) / sum);
  }
  return probability;
}

/// named_mdp(name), compiled once.
TabularMdp<> process(std::string_view name);

}  // namespace optiform::testing
