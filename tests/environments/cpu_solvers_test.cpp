// SPDX-License-Identifier: MIT
#include "solvers_on.hpp"

namespace optiform::testing {

Evaluation evaluation(OnCpu, const TabularMdp<>& mdp, const std::vector<double>& probability) {
  return SolversOn<Cpu>::evaluation(mdp, probability);
}
Evaluation optimum(OnCpu, const TabularMdp<>& mdp) { return SolversOn<Cpu>::optimum(mdp); }

std::vector<double> start_of(OnCpu, const TabularMdp<>& mdp, std::string_view name) {
  return named_start<Cpu>(mdp, name);
}

}  // namespace optiform::testing
