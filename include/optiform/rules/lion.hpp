// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/coefficient_schedule.hpp>
#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Lion: every coordinate moves by the same length, in the direction of a momentum that leans
/// towards the newest gradient.
///
///   x' = (1 - lambda) x + gamma sign(beta1 m + (1 - beta1) g)
///   m' = beta2 m + (1 - beta2) g
///
/// Units     rates are three to ten times smaller than Adam's, decays as many times larger.
/// Source    Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, program 1.
struct Lion : Rule {
  Row m = stream("momentum", Init::zeros);
  Scalar beta1 = unit("beta1", 0.9), beta2 = unit("beta2", 0.99);
  Scalar gamma = positive("gamma", ln2), lambda = unit("lambda", 0.006692850924284856);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    x *= 1 - lambda;
    x += gamma * sign(beta1 * m + (1 - beta1) * g);
    m = beta2 * m + (1 - beta2) * g;
  }

  static void usual(auto& schedules) { schedules.value_or_set("beta2", 0.99); }
};

OPTIFORM_NAMESPACE_END
