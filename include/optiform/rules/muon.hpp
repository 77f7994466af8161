// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/ortho.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Muon in depth: Ortho of a running mean.
///
///   m' = beta m + (1 - beta) g,   x' = x + gamma normalise(orthogonalise(m'))
///
/// Limits    beta = 0 is Ortho.
/// Source    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; in
///           depth: arXiv 2605.24425.
/// See       MuonOptimizer, which trains matrices of weights.
template <class Polynomial>
struct BasicMuon : BasicOrtho<Polynomial> {
  Row m = this->stream("first_moment", {.prefix = "m"});
  Scalar beta = this->unit("beta", 0.5);

  constexpr void step(Row g) {
    m = beta * m + (1 - beta) * g;
    BasicOrtho<Polynomial>::step(m);
  }
};
using Muon = BasicMuon<QuinticNewtonSchulz>;

OPTIFORM_NAMESPACE_END
