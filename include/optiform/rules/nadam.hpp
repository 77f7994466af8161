// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/coefficient_schedule.hpp>
#include <optiform/core/error.hpp>
#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// NAdam: Adam whose first moment looks ahead as Nesterov's momentum does.
///
///   m' = beta1 m + (1 - beta1) g,   s' = beta2 s + (1 - beta2) g^2
///   x' = x + gamma normalise((c g + d m') / (sqrt(debias(s')) + epsilon))
///   c = (1 - mu_t) / (1 - mu_1 ... mu_t),   d = mu_{t+1} / (1 - mu_1 ... mu_{t+1})
///   mu_t = beta1 (1 - 0.96^(t psi) / 2)
///
/// Limits    c and d (`gradient_weight`, `moment_weight`) follow from beta1 and psi
///           (`momentum_decay`) where there is a clock, unless they are given; in depth they are
///           constants, and gamma folds as Adam's does.
/// Errors    beta1 or psi as a schedule, without c and d: a product of so many different mu_t has
///           no closed form.
/// Source    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; psi, and beta1
///           in place of mu_t in m, as torch.optim.NAdam has them.
struct NAdam : Rule {
  Row m = stream("first_moment", {.prefix = "m"}), s = stream("second_moment", Init::ones);
  Scalar beta1 = unit("beta1", 0.9), beta2 = unit("beta2", 0.999);
  Scalar gamma = positive("gamma", ln2), epsilon = constant("epsilon", 1e-8);
  Scalar psi = constant("momentum_decay", 0.004);
  Scalar c = constant("gradient_weight", 0.1), d = constant("moment_weight", 0.9);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    m = beta1 * m + (1 - beta1) * g;
    s = beta2 * s + (1 - beta2) * square(g);
    x += gamma * normalise((c * g + d * m) / (sqrt(debias(s, beta2)) + epsilon));
  }

  static void usual(auto& schedules) {
    schedules.value_or_set("beta2", 0.999);
    const double beta = number(schedules, "beta1", 0.9);
    const double decay = number(schedules, "momentum_decay", 0.004);
    schedules.value_or_set("gradient_weight", CoefficientSchedule(gradient_weight, beta, decay));
    schedules.value_or_set("moment_weight", CoefficientSchedule(moment_weight, beta, decay));
  }

 private:
  /// A coefficient that c and d follow from.
  static double number(auto& schedules, const char* name, double usual) {
    const CoefficientSchedule given = schedules.value_or_set(name, usual);
    const bool follow =
        schedules.find("gradient_weight") == nullptr || schedules.find("moment_weight") == nullptr;
    if (follow && !given.is_constant())
      fail("NAdam: ", name,
           " is a schedule; expected a number, or gradient_weight and moment_weight beside it");
    return given(1);
  }
  static double mu(double t, double beta, double decay) {
    return beta * (1 - 0.5 * math::pow(0.96, t * decay));
  }
  /// 1 - mu_1 ... mu_t
  static double bias(double t, double beta, double decay) {
    double product = 1;
    for (double i = 1; i <= t && product > 1e-20; ++i) product *= mu(i, beta, decay);
    return 1 - product;
  }
  static double gradient_weight(double t, double beta, double decay) {
    return (1 - mu(t, beta, decay)) / bias(t, beta, decay);
  }
  static double moment_weight(double t, double beta, double decay) {
    return mu(t + 1, beta, decay) / bias(t + 1, beta, decay);
  }
};

OPTIFORM_NAMESPACE_END
