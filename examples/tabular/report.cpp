// SPDX-License-Identifier: MIT
// Evaluation of policies and the solvers behind it, compiled once for all families of methods.
#include "report.hpp"

#include "run_method.hpp"

using namespace optiform;

template class optiform::linear_solver<Cpu>::Dense<double>;
template class optiform::linear_solver<Cpu>::Sparse<double>;
template class optiform::TabularEvaluator<TabularMdp<>, Cpu, double>;
template void TabularEvaluator<TabularMdp<>, Cpu, double>::begin<false>(const double*, double);
template void TabularEvaluator<TabularMdp<>, Cpu, double>::complete<false>(const double*, double);
template class optiform::Optimum<TabularEvaluator<TabularMdp<>, Cpu, double>, double>;

struct Reporter::Evaluation {
  using Evaluator = TabularEvaluator<TabularMdp<>, Cpu, double>;
  explicit Evaluation(const TabularMdp<>& mdp) : optimum(mdp), evaluator(mdp) {}
  Optimum<Evaluator, double> optimum;
  Evaluator evaluator;
};

Reporter::Reporter(const TabularMdp<>& mdp) : evaluation_(std::make_unique<Evaluation>(mdp)) {}
Reporter::~Reporter() = default;

Progress Reporter::operator()(std::int64_t iteration, const std::vector<double>& probability,
                              std::int64_t restarts) {
  auto& [optimum, evaluator] = *evaluation_;
  evaluator.begin(probability.data());
  evaluator.complete(probability.data());
  return {iteration, evaluator.objective(), optimum.gap(evaluator, probability.data()), restarts};
}
