// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Gradient descent: x' = x + gamma g. In depth gamma is 1, the ordinary residual connection.
struct GradientDescent : Rule {
  Scalar gamma = rate("gamma");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += gamma * g; }
};

/// The plain pre-norm Transformer.
using Vanilla = GradientDescent;

OPTIFORM_NAMESPACE_END
