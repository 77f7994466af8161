// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/improvements/gradient_step.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What step sizes and asymptotic constants of a softmax table depend on.
struct ProblemSize {
  int states = 1, actions = 2;
  double discount = 0;
  double smallest_start = 1;  ///< smallest start probability of a state

  /// One state and no future: a bandit.
  bool is_bandit() const { return states == 1 && discount == 0; }
};

/// Contract  of several processes side by side the most cautious numbers, which give step sizes
///           that are safe for each.
template <class Environment>
ProblemSize problem_size(const Environment& environment) {
  const auto each_lane = [](const auto& packed, auto&& f) {
    for (int i = 0; i < lane_count<std::decay_t<decltype(packed)>>; ++i)
      f(static_cast<double>(lane(packed, i)));
  };
  ProblemSize size{environment.states(), environment.actions()};
  const auto discount = environment.discount();
  each_lane(discount, [&](double d) { size.discount = d > size.discount ? d : size.discount; });
  for (int s = 0; s < size.states; ++s) {
    const auto start = environment.start(s);
    each_lane(start, [&](double p) {
      size.smallest_start = p < size.smallest_start ? p : size.smallest_start;
    });
  }
  return size;
}

/// Smoothness L of the objective as a function of softmax logits: its gradient is L-Lipschitz.
///
/// Units     rewards in [0, 1].
/// Limits    5/2 for a bandit, 8 / (1 - discount)^3 otherwise.
/// Source    Mei, Xiao, Szepesvari, Schuurmans, "On the global convergence rates of softmax policy
///           gradient methods", ICML 2020, lemmas 2 and 7.
inline double softmax_smoothness(const ProblemSize& size) {
  const double h = 1 - size.discount;
  return size.is_bandit() ? 2.5 : 8 / (h * h * h);
}

/// Step size of plain policy gradient and of heavy ball, 1 / L.
/// Source    Mei et al. 2020, theorems 2 and 4.
inline double policy_gradient_rate(const ProblemSize& size) { return 1 / softmax_smoothness(size); }

/// Step size that accelerated policy gradient approaches, 1 / (2 L): iteration t takes t / (t + 1)
/// of it.
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024, algorithm 1.
inline double accelerated_rate(const ProblemSize& size) {
  return 1 / (2 * softmax_smoothness(size));
}

/// Length of a step of (accelerated) policy gradient whose gradient is normalised.
///
/// Errors    Error where an episode never starts in some state: the length would be 0.
/// Source    Mei et al., "Leveraging non-uniformity in first-order non-convex optimization", ICML
///           2021, as in the experiments of Chen et al. 2024.
inline double normalised_rate(const ProblemSize& size) {
  if (!(size.smallest_start > 0))
    fail("normalised steps need a start distribution without zeros; its smallest entry is ",
         size.smallest_start);
  const double h = 1 - size.discount;
  return h / (math::sqrt(static_cast<double>(size.states)) * (8 / size.smallest_start - 2 * h));
}

/// Steps that grow exponentially, rate(t) = initial base^t, every parameter's clipped to +-bound.
struct GrowingSteps {
  double initial, base, bound;
};

/// Limits    bound = 4 ln(base).
/// Source    Chen et al. 2024, accelerated policy gradient with time-varying steps; the numbers are
///           those of its experiments.
inline GrowingSteps growing_steps(const ProblemSize& size) {
  const double h = 1 - size.discount;
  const double growth =
      h / (4 * math::sqrt(static_cast<double>(size.actions)) * size.states * (4 - h));
  return {policy_gradient_rate(size), math::exp(growth), 4 * growth};
}

/// Coefficients of Nesterov that make its velocity form the accelerated policy gradient: the
/// momentum of iteration t is (t - 1) / (t + 2).
inline CoefficientSchedules accelerated_schedules(CoefficientSchedule rate) {
  const auto momentum = CoefficientSchedule::momentum();
  return {{"gamma", rate}, {"mu", momentum}, {"beta", momentum}};
}

/// Options of PolicyGradient<GradientDescent>: plain policy gradient.
template <class Environment>
GradientStep<GradientDescent>::Options policy_gradient_options(const Environment& environment) {
  return {.learning_rate = policy_gradient_rate(problem_size(environment)), .schedules = {}};
}

/// Options of PolicyGradient<HeavyBall>: Polyak's method with momentum 1/2.
template <class Environment>
GradientStep<HeavyBall>::Options heavy_ball_options(const Environment& environment) {
  return {.learning_rate = policy_gradient_rate(problem_size(environment)),
          .schedules = {{"beta", 0.5}}};
}

/// Options of PolicyGradient<Nesterov>: accelerated policy gradient (APG).
///
///   using Apg = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;
///   Apg::on<SoftmaxTable, TabularMdp<>, Cpu> apg(mdp, context,
///                                                {.improvement = apg_options(mdp)});
template <class Environment>
GradientStep<Nesterov>::Options apg_options(const Environment& environment) {
  const auto rate = CoefficientSchedule::ramp(accelerated_rate(problem_size(environment)));
  return {.schedules = accelerated_schedules(rate)};
}

/// Options of PolicyGradient<GradientDescent> with NormalisedGradient.
template <class Environment>
GradientStep<GradientDescent>::Options normalised_options(const Environment& environment) {
  return {.learning_rate = normalised_rate(problem_size(environment)), .schedules = {}};
}

/// Options of PolicyGradient<Nesterov> with NormalisedGradient.
template <class Environment>
GradientStep<Nesterov>::Options normalised_apg_options(const Environment& environment) {
  return {.schedules = accelerated_schedules(normalised_rate(problem_size(environment)))};
}

/// Options of PolicyGradient<Nesterov> with ClippedSteps{growing_steps(size).bound}.
template <class Environment>
GradientStep<Nesterov>::Options growing_apg_options(const Environment& environment) {
  const GrowingSteps steps = growing_steps(problem_size(environment));
  return {.schedules =
              accelerated_schedules(CoefficientSchedule::geometric(steps.initial, steps.base))};
}

OPTIFORM_NAMESPACE_END
