// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Adam: RMSProp of a running mean.
///
///   m' = beta1 m + (1 - beta1) g,   s' = beta2 s + (1 - beta2) g^2
///   x' = x + gamma normalise(debias(m') / (sqrt(debias(s')) + epsilon))
///
/// Limits    beta1 = 0 is RMSProp. Where there is no clock (depth), debias does nothing.
/// Source    Kingma and Ba, ICLR 2015, algorithm 1; in depth: arXiv 2605.24425.
struct Adam : Rule {
  Row m = stream("first_moment", {.prefix = "m"}), s = stream("second_moment", Init::ones);
  Scalar beta1 = unit("beta1", 0.5), beta2 = unit("beta2", 0.5);
  Scalar gamma = positive("gamma", ln2), epsilon = constant("epsilon", 1e-8);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    m = beta1 * m + (1 - beta1) * g;
    s = beta2 * s + (1 - beta2) * square(g);
    x += gamma * normalise(debias(m, beta1) / (sqrt(debias(s, beta2)) + epsilon));
  }
};

OPTIFORM_NAMESPACE_END
