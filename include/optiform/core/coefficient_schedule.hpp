// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A coefficient of a rule, or the step of a mirror map, as a function of the iteration t = 1, 2,
/// ...
///
///   constant(c)        c
///   ramp(c)            c t / (t + 1)
///   geometric(c, b)    c b^t, at most 1e300
///   momentum(r)        max(0, t - 2) / (t + r - 2): what iteration t carries over from t - 1
///   {f, a, b}          f(t, a, b), a function of one's own with its two numbers
///
/// Limits    momentum(3) as mu and beta of Nesterov makes Nesterov's sequence (t - 1) / (t + 2),
///           the look-ahead being counted with the iteration that uses it.
/// Source    ramp, momentum: Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024.
class CoefficientSchedule {
 public:
  using Function = double (*)(double t, double a, double b);

  constexpr CoefficientSchedule(double value = 0) : a_(value) {}
  constexpr CoefficientSchedule(Function function, double a = 0, double b = 0)
      : function_(function), a_(a), b_(b) {}

  static constexpr CoefficientSchedule constant(double value) { return value; }
  static constexpr CoefficientSchedule ramp(double limit) {
    return {[](double t, double c, double) { return c * t / (t + 1); }, limit};
  }
  static constexpr CoefficientSchedule geometric(double factor, double base) {
    return {[](double t, double c, double b) {
              const double value = c * math::pow(b, t);
              return value < 1e300 ? value : 1e300;
            },
            factor, base};
  }
  static constexpr CoefficientSchedule momentum(double r = 3) {
    return {[](double t, double a, double) { return t < 2 ? 0 : (t - 2) / (t + a - 2); }, r};
  }

  constexpr bool is_constant() const { return function_ == nullptr; }
  double operator()(double t) const { return function_ == nullptr ? a_ : function_(t, a_, b_); }

 private:
  Function function_ = nullptr;
  double a_ = 0, b_ = 0;
};

OPTIFORM_NAMESPACE_END
