// SPDX-License-Identifier: MIT
#include "solvers_on.hpp"

namespace optiform::testing {

Evaluation evaluation(OnReference, const TabularMdp<>& mdp,
                      const std::vector<double>& probability) {
  return SolversOn<Reference>::evaluation(mdp, probability);
}
Evaluation optimum(OnReference, const TabularMdp<>& mdp) {
  return SolversOn<Reference>::optimum(mdp);
}

std::vector<double> start_of(OnReference, const TabularMdp<>& mdp, std::string_view name) {
  return named_start<Reference>(mdp, name);
}

TabularMdp<> process(std::string_view name) { return named_mdp(name); }

}  // namespace optiform::testing
