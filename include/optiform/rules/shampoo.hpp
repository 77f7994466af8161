// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operations.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Shampoo in depth, with a factor on the right only: each token's row, seen as a heads x head_dim
/// matrix G, is whitened by the inverse root of a running covariance of its heads.
///
///   R' = betaR R + (1 - betaR) G^T G,   x' = x + gamma normalise(G R'^(-1/2))
///
/// Shapes    R: head_dim x head_dim per token, starts at the identity. Root: CoupledInverseRoot,
///           UncoupledInverseRoot or another of that kind.
/// Source    Gupta, Koren, Singer, "Shampoo", ICML 2018; in depth: arXiv 2605.24425.
template <class Root>
struct BasicShampoo : Rule {
  using Operations = TypeList<Precondition<Root>>;

  Square r = covariance("covariance");
  Scalar beta_r = unit("betaR", 0.5), gamma = positive("gamma", ln2);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) { step(g, g); }

 protected:
  /// A step along `direction`; the covariance is that of g.
  constexpr void step(Row direction, Row g) {
    r = beta_r * r + (1 - beta_r) * gram(g);
    x += gamma * normalise(precondition<Root>(direction, r));
  }
};
using Shampoo = BasicShampoo<CoupledInverseRoot<>>;

OPTIFORM_NAMESPACE_END
