// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/tabular.hpp>

#include "report.hpp"

// Compiled once, in report.cpp.
extern template class optiform::linear_solver<optiform::Cpu>::Dense<double>;
extern template class optiform::linear_solver<optiform::Cpu>::Sparse<double>;
extern template class optiform::TabularEvaluator<optiform::TabularMdp<>, optiform::Cpu, double>;
extern template void optiform::TabularEvaluator<optiform::TabularMdp<>, optiform::Cpu,
                                                double>::begin<false>(const double*, double);
extern template void optiform::TabularEvaluator<optiform::TabularMdp<>, optiform::Cpu,
                                                double>::complete<false>(const double*, double);
extern template class optiform::Optimum<
    optiform::TabularEvaluator<optiform::TabularMdp<>, optiform::Cpu, double>, double>;

template <class Optimizer, class Policy, class Restart, class Environment, class Choose>
void run_on(const Environment& environment, const Problem& problem, const Numbers& numbers,
            const std::vector<std::int64_t>& at, const Report& report, Choose choose) {
  using namespace optiform;
  using Run = typename Optimizer::template on<Policy, Environment, Cpu>;
  typename Run::Options options;
  choose(options, numbers, problem);
  context_t<Cpu> context(1);
  Run run(environment, context, std::move(options));
  run.start_from(problem.start.data());

  Reporter reported(problem.mdp);
  std::vector<double> probability(problem.start.size());
  for (const std::int64_t iteration : at) {
    while (run.iteration() < iteration) run.step();
    run.policy().probabilities(run.parameters(), probability.data());
    std::int64_t restarts = 0;
    if constexpr (!std::is_void_v<Restart>)
      restarts = run.template stabilizer<Restart>().restarts();
    report(reported(iteration, probability, restarts));
  }
}

/// Runs an optimizer on a problem; `choose(options, numbers, problem)` sets its options.
template <class Optimizer, class Policy = optiform::SoftmaxTable, class Restart = void,
          class Choose>
void run_method(const Problem& problem, const Numbers& numbers, const std::vector<std::int64_t>& at,
                const Report& report, Choose choose) {
  run_on<Optimizer, Policy, Restart>(problem.mdp, problem, numbers, at, report, choose);
}

/// The same, unrolled where the process has the paper's sizes, 5 x 5: for runs of 1e8 iterations.
template <class Optimizer, class Policy = optiform::SoftmaxTable, class Restart = void,
          class Choose>
void run_long_method(const Problem& problem, const Numbers& numbers,
                     const std::vector<std::int64_t>& at, const Report& report, Choose choose) {
  using Small = optiform::TabularMdp<5, 5>;
  if (problem.mdp.states() == Small::states() && problem.mdp.actions() == Small::actions()) {
    run_on<Optimizer, Policy, Restart>(Small(problem.mdp), problem, numbers, at, report, choose);
  } else {
    run_on<Optimizer, Policy, Restart>(problem.mdp, problem, numbers, at, report, choose);
  }
}
