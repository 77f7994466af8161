// SPDX-License-Identifier: MIT
#pragma once

// The problems of Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024, and the
// algorithms that its experiments compare.
#include <cmath>
#include <cstdint>
#include <vector>

#include <optiform/environments/tabular/paper_mdps.hpp>
#include <optiform/tabular.hpp>

namespace optiform::testing {

template <class R>
using Ascent = PolicyOptimizer<PolicyGradient<R>, ExactCritic>;
using PlainGradient = Ascent<GradientDescent>;
using HeavyBallGradient = Ascent<HeavyBall>;
/// Without and with restarts.
using Unguarded = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic>;
using Accelerated = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;

/// Five states, five actions, and what the tests need to know of it.
inline const TabularMdp<> mdp = five_state_mdp();
inline const ProblemSize size = problem_size(mdp);
inline constexpr int best_action[5] = {0, 3, 4, 3, 4};
inline const std::vector<double> hard_start = five_state_hard_start();
inline constexpr double best_objective = 9.408398506373334;
inline constexpr double least_deficit = .0955986671077;

/// A process of fixed size, the context and an optimizer on it.
template <class Optimizer, int States, int Actions, class Policy = SoftmaxTable,
          class Backend = Cpu, class T = double>
struct Run {
  using Model = TabularMdp<States, Actions, T>;
  using On = typename Optimizer::template on<Policy, Model, Backend, T>;

  Model model;
  context_t<Backend> context{1};
  On on;

  Run(const TabularMdp<>& mdp, typename On::Options options)
      : model(mdp), on(model, context, std::move(options)) {}
  Run(const TabularMdp<>& mdp, typename On::Options options, const std::vector<double>& logits)
      : Run(mdp, std::move(options)) {
    on.start_from(logits.data());
  }

  // An iteration is inlined where it is called; once per type is enough here.
  [[gnu::noinline]] void step() { on.step(); }
  [[gnu::noinline]] T objective() { return on.objective(); }
  [[gnu::noinline]] T query_objective() { return on.query_objective(); }
  [[gnu::noinline]] T gap() { return on.gap(); }
  [[gnu::noinline]] void until(std::int64_t iteration) {
    while (on.iteration() < iteration) step();
  }
  /// The iterate's probabilities.
  std::vector<T> probabilities() {
    std::vector<T> p(static_cast<std::size_t>(States * Actions));
    on.policy().probabilities(on.parameters(), p.data());
    return p;
  }
};

/// Of gap against iteration, both logarithmic.
inline double slope_over_decade(double before, double after) {
  return std::log(after / before) / std::log(10.0);
}
inline double relative(double measured, double expected) {
  return std::fabs(measured / expected - 1);
}

}  // namespace optiform::testing
