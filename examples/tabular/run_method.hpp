// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/tabular.hpp>

#include "problem.hpp"

extern template class optiform::linear_solver<optiform::Cpu>::Dense<double>;  // solver.cpp
extern template class optiform::linear_solver<optiform::Cpu>::Sparse<double>;

/// Runs an optimizer on a problem: unrolled where the sizes are the paper's, 5 x 5.
///
/// `choose(options, numbers, problem)` sets the optimizer's options.
template <class Optimizer, class Policy = optiform::SoftmaxTable, class Restart = void,
          class Choose>
void run_method(const Problem& problem, const Numbers& numbers, const std::vector<std::int64_t>& at,
                const Report& report, Choose choose) {
  using namespace optiform;
  const auto on = [&]<class Environment>(const Environment& environment) {
    using Run = typename Optimizer::template on<Policy, Environment, Cpu>;
    using Evaluator = TabularEvaluator<Environment, Cpu, double>;
    typename Run::Options options;
    choose(options, numbers, problem);
    context_t<Cpu> context(1);
    Run run(environment, context, std::move(options));
    run.start_from(problem.start.data());

    // What is reported is the plain objective of the iterate, whatever the method looks at.
    Optimum<Evaluator, double> optimum(environment);
    Evaluator evaluator(environment);
    std::vector<double> probability(problem.start.size());
    for (const std::int64_t iteration : at) {
      while (run.iteration() < iteration) run.step();
      run.policy().probabilities(run.parameters(), probability.data());
      evaluator.begin(probability.data());
      evaluator.complete(probability.data());
      Progress progress{iteration, evaluator.objective(),
                        optimum.gap(evaluator, probability.data()), 0};
      if constexpr (!std::is_void_v<Restart>)
        progress.restarts = run.template stabilizer<Restart>().restarts();
      report(progress);
    }
  };
  if (problem.mdp.states() == 5 && problem.mdp.actions() == 5) {
    on(TabularMdp<5, 5>(problem.mdp));
  } else {
    on(problem.mdp);
  }
}
