// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Numbers of a momentum rule that are proven for a class of problems.
struct AcceleratedNumbers {
  double learning_rate = 0;
  double mu = 0, beta = 0;  ///< look-ahead and memory
  double delta = 0;         ///< of the read-out x + delta v
  double contraction = 0;   ///< what the distance to the minimum shrinks by per step

  /// For WeightOptimizerOptions::coefficients of TripleMomentum and Nesterov.
  CoefficientSchedules coefficients() const { return {{"mu", mu}, {"beta", beta}}; }
};

namespace detail {

inline void require_convexity(double smoothness, double strong_convexity) {
  if (strong_convexity > 0 && smoothness >= strong_convexity && math::isfinite(smoothness)) return;
  fail("smoothness is ", smoothness, " and strong convexity ", strong_convexity,
       "; expected 0 < strong convexity <= smoothness");
}

}  // namespace detail

/// The triple momentum method for functions whose curvature lies between two numbers, m and L; with
/// k = L / m:
///
///   rho = 1 - 1 / sqrt(k),   rate = (1 + rho) / L,   beta = rho^2 / (2 - rho)
///   mu = rho^2 / ((1 + rho) (2 - rho)),   delta = rho^2 / (1 - rho^2)
///
/// Limits    of TripleMomentum with nu = 1, WithReadOut for delta. The distance of the read-out
///           shrinks like rho^t: no first-order method is known to do better on every such
///           function.
/// Source    Van Scoy, Freeman, Lynch, IEEE L-CSS 2(1), 2018.
inline AcceleratedNumbers triple_momentum_numbers(double smoothness, double strong_convexity) {
  detail::require_convexity(smoothness, strong_convexity);
  const double rho = 1 - math::sqrt(strong_convexity / smoothness);
  return {.learning_rate = (1 + rho) / smoothness,
          .mu = rho * rho / ((1 + rho) * (2 - rho)),
          .beta = rho * rho / (2 - rho),
          .delta = rho * rho / (1 - rho * rho),
          .contraction = rho};
}

/// Nesterov's method for the same functions: rate 1 / L, mu = beta = (sqrt(k) - 1) / (sqrt(k) + 1);
/// the function value shrinks by 1 - 1 / sqrt(k) per step, the distance by its root.
/// Source    Nesterov, "Lectures on convex optimization", 2018, section 2.2.
inline AcceleratedNumbers nesterov_numbers(double smoothness, double strong_convexity) {
  detail::require_convexity(smoothness, strong_convexity);
  const double root = math::sqrt(smoothness / strong_convexity), mu = (root - 1) / (root + 1);
  return {.learning_rate = 1 / smoothness,
          .mu = mu,
          .beta = mu,
          .contraction = math::sqrt(1 - 1 / root)};
}

OPTIFORM_NAMESPACE_END
