// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/math.hpp>
#include <optiform/policy/step_sizes.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What the optimality gap of a softmax table tends to, method by method. Rewards, discount and
/// start enter through the step size only.
///
/// With one best action per state, W(s, a) = visits(s) pi(a | s) (V* - Q*)(s, a) is what the other
/// actions lose; gap = sum W, and near the optimum the derivative of a logit is -W, of the best
/// action's sum_a W. The distance u of a logit from the best one moves by the force
/// F = rate (W + sum_b W(s, b)) as
///
///   u' = F             policy gradient
///   (1 - beta) u' = F  heavy ball
///   u'' + (r / t) u' = F   Nesterov's momentum (t - 1) / (t + r - 1)
///
/// and W falls as exp(-u), so that all W become equal. This gives the constants below.
///
/// Contract  every action is available; t is past the transient of every state.
namespace asymptotic {

/// |S| (|A| - 1) / |A|: the number that all methods share. The gap of policy gradient is this over
/// the distance travelled, rate t.
inline double share(const ProblemSize& size) {
  return static_cast<double>(size.states) * (size.actions - 1) / size.actions;
}

/// Limit of gap t: policy gradient with a constant rate.
inline double policy_gradient(const ProblemSize& size, double rate) { return share(size) / rate; }

/// Limit of gap t: heavy ball. Momentum beta is a longer step, no other method.
/// Limits    beta = 0 is policy gradient.
inline double heavy_ball(const ProblemSize& size, double rate, double beta) {
  return (1 - beta) * policy_gradient(size, rate);
}

/// Limit of gap t^2: Nesterov's momentum (t - 1) / (t + r - 1) with rates that tend to `rate`.
/// Limits    r = 3 is accelerated policy gradient: 4 share / rate.
inline double accelerated(const ProblemSize& size, double rate, double r = 3) {
  return 2 * (r - 1) * share(size) / rate;
}

/// The gap at iteration t: policy gradient with the growing rate initial base^t.
inline double growing_policy_gradient(const ProblemSize& size, double initial, double base,
                                      double t) {
  return math::log(base) * share(size) / initial * math::pow(base, -t);
}

/// The gap at iteration t: Nesterov's momentum with the growing rate initial base^t, steps not
/// clipped any more.
inline double growing_accelerated(const ProblemSize& size, double initial, double base, double t) {
  return 3 / t * growing_policy_gradient(size, initial, base, t);
}

/// c of a gap that falls as exp(-c t): policy gradient, normalised, steps of length `rate`.
inline double normalised(const ProblemSize& size, double rate) {
  return rate / math::sqrt(share(size));
}

/// c of a gap that falls as exp(-c t^2): Nesterov's momentum on the normalised gradient.
inline double normalised_accelerated(const ProblemSize& size, double rate) {
  return normalised(size, rate) / 8;
}

/// c of a gap that falls as exp(-c t): natural policy gradient, logits += rate A.
///
/// Units     smallest_deficit: the least V*(s) - Q*(s, a) of an action that is not the best.
inline double natural(double rate, double smallest_deficit) { return rate * smallest_deficit; }

}  // namespace asymptotic

OPTIFORM_NAMESPACE_END
