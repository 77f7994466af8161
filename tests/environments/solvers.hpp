// SPDX-License-Identifier: MIT
#pragma once

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

/// named_mdp(name), compiled once.
TabularMdp<> process(std::string_view name);

}  // namespace optiform::testing
