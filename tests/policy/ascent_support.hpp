// SPDX-License-Identifier: MIT
#pragma once

// The problems of Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024, and the
// algorithms that its experiments compare.
#include <cmath>
#include <cstdint>
#include <vector>

#include <optiform/tabular.hpp>

namespace optiform::testing {

using PlainGradient = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic>;
using HeavyBallGradient = PolicyOptimizer<PolicyGradient<HeavyBall>, ExactCritic>;
/// Without and with restarts.
using Unguarded = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic>;
using Accelerated = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;

/// Five states, five actions.
inline TabularMdp<> five_states() {
  static const double reward[5][5] = {{1, .8, .6, .7, .4},
                                      {.5, .3, .1, 1, .6},
                                      {.6, .9, .8, .7, 1},
                                      {.1, .2, .6, .7, .4},
                                      {.8, .4, .6, .2, .9}};
  // Tenths.
  static const int transition[5][5][5] = {
      {{1, 5, 1, 2, 1}, {6, 1, 1, 1, 1}, {5, 1, 1, 2, 1}, {4, 3, 1, 1, 1}, {2, 1, 1, 1, 5}},
      {{1, 5, 2, 1, 1}, {4, 1, 2, 2, 1}, {1, 4, 3, 1, 1}, {4, 1, 1, 1, 3}, {2, 2, 2, 2, 2}},
      {{6, 1, 1, 1, 1}, {2, 4, 1, 2, 1}, {3, 3, 2, 1, 1}, {1, 4, 3, 1, 1}, {2, 1, 1, 1, 5}},
      {{6, 1, 1, 1, 1}, {1, 5, 1, 2, 1}, {2, 1, 1, 1, 5}, {4, 3, 1, 1, 1}, {5, 1, 1, 2, 1}},
      {{2, 2, 2, 2, 2}, {4, 1, 2, 2, 1}, {4, 1, 1, 3, 1}, {1, 4, 2, 1, 2}, {2, 5, 1, 1, 1}}};
  MdpBuilder builder(5, 5, 0.9, "5s5a");
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a) {
      builder.reward(s, a, reward[s][a]);
      for (int next = 0; next < 5; ++next)
        builder.transition(s, a, next, transition[s][a][next] / 10.0);
    }
  builder.start({.3, .2, .1, .15, .25});
  return builder.build();
}
/// Its best action of every state, and logits that give it the least probability.
inline constexpr int best_action[5] = {0, 3, 4, 3, 4};
inline const std::vector<double> hard_start = {1, 2, 4, 3, 5, 3, 4, 5, 1, 2, 5, 2, 3,
                                               4, 1, 5, 4, 2, 1, 3, 2, 4, 3, 5, 1};
inline constexpr double best_objective = 9.408398506373334;
inline constexpr double least_deficit = .0955986671077;

/// One state, no future.
inline TabularMdp<> bandit(const std::vector<double>& rewards) {
  const auto arms = static_cast<int>(rewards.size());
  MdpBuilder builder(1, arms, 0, "bandit");
  for (int a = 0; a < arms; ++a) {
    builder.reward(0, a, rewards[static_cast<std::size_t>(a)]);
    builder.transition(0, a, 0, 1);
  }
  return builder.build();
}

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
