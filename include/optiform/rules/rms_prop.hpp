// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// RMSProp: every coordinate is scaled by the root of its running mean square.
///
///   s' = beta2 s + (1 - beta2) g^2,   x' = x + gamma normalise(g / (sqrt(s') + epsilon))
///
/// Source    Tieleman and Hinton, lecture 6.5, 2012; in depth: arXiv 2605.24425.
struct RmsProp : Rule {
  Row s = stream("second_moment", Init::ones);
  Scalar beta2 = unit("beta2", 0.5), gamma = positive("gamma", ln2);
  Scalar epsilon = constant("epsilon", 1e-8);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    s = beta2 * s + (1 - beta2) * square(g);
    x += gamma * normalise(g / (sqrt(s) + epsilon));
  }
};

OPTIFORM_NAMESPACE_END
