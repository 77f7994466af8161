// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operations.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Steps along orthogonalised directions: each token's row, seen as heads x head_dim, has its
/// singular values moved towards one.
///
///   x' = x + gamma normalise(orthogonalise(g))
///
/// Shapes    Polynomial: QuinticNewtonSchulz, PolarExpress or another of that kind.
/// Limits    per token, hence causal.
/// Source    arXiv 2605.24425; Bernstein and Newhouse, "Old optimizer, new norm", 2024.
template <class Polynomial>
struct BasicOrtho : Rule {
  using Operations = TypeList<Orthogonalise<Polynomial>>;

  Scalar gamma = positive("gamma", ln2);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += gamma * normalise(orthogonalise<Polynomial>(g)); }
};
using Ortho = BasicOrtho<QuinticNewtonSchulz>;

OPTIFORM_NAMESPACE_END
