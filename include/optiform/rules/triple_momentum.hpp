// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Triple momentum: look ahead with mu, remember with beta, write back with nu.
///
///   q  = x + mu v
///   v' = normalise(beta v + gamma g(q))
///   x' = x + nu v'
///
/// Limits    nu = 1 is Nesterov; mu = 0, nu = 1 is heavy ball.
/// Source    Van Scoy, Freeman, Lynch, "The fastest known globally convergent first-order method
///           for minimizing strongly convex functions", IEEE L-CSS 2018; in depth: Gai, Huang, Wu,
///           arXiv 2605.24425 (TMMFormer).
struct TripleMomentum : Rule {
  Row v = stream("velocity", {.prefix = "vel", .norm = "ln_v"});
  Scalar mu = unit("mu", 0.5), beta = unit("beta", 0.5);
  Scalar gamma = positive("gamma", ln2), nu = positive("nu", 1);

  constexpr Row query() const { return x + mu * v; }
  constexpr void step(Row g) {
    v = normalise(beta * v + gamma * g);
    x += nu * v;
  }
};

/// The textbook read-out x + delta v after the last step, for any rule with a velocity `v`.
///
/// Units     delta is a run-time constant; 0 is the plain read-out.
/// Source    Van Scoy, Freeman, Lynch 2018, output of the triple momentum method.
template <class MomentumRule>
struct WithReadOut : MomentumRule {
  Scalar delta = this->constant("delta", 0.5);
  constexpr Row read_out() const { return this->x + delta * this->v; }
};

OPTIFORM_NAMESPACE_END
