// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/coefficient_schedule.hpp>
#include <optiform/rules/triple_momentum.hpp>

using optiform::CoefficientSchedule, optiform::Init, optiform::Row, optiform::Rule,
    optiform::Scalar, optiform::TripleMomentum;

// [rule]
/// AdamW that moves a coordinate only where its momentum and its gradient agree.
struct CautiousAdamW : Rule {
  Row m = stream("first_moment"), s = stream("second_moment", Init::ones);
  Scalar beta1 = unit("beta1", 0.9), beta2 = unit("beta2", 0.95), gamma = rate("gamma");
  Scalar lambda = unit("lambda", 0.01), epsilon = constant("epsilon", 1e-8);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    m = beta1 * m + (1 - beta1) * g;
    s = beta2 * s + (1 - beta2) * square(g);
    const Row u = debias(m, beta1) / (sqrt(debias(s, beta2)) + epsilon);
    x *= 1 - lambda;
    x += gamma * u * (1 + sign(u * g)) / 2;
  }
};
// [rule]

// [look-ahead]
/// Momentum that asks two thirds of a step ahead, and remembers more as training goes on.
struct WarmMomentum : TripleMomentum {
  constexpr WarmMomentum() { pin(nu, 1); }

  static double memory(double t, double first, double last) {
    return last - (last - first) * 100 / (99 + t);
  }
  static void usual(auto& schedules) {
    schedules.value_or_set("mu", 2.0 / 3);
    schedules.value_or_set("beta", CoefficientSchedule(memory, 0.8, 0.95));
  }
};
// [look-ahead]
