// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/adam.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// AdamW: the iterate decays before Adam's step.
///
///   x' = (1 - lambda) x + Adam's increment
///
/// Units     lambda in (0, 1) per step: learning rate times weight decay where weights are trained.
/// Limits    lambda = 0 is Adam.
/// Source    Loshchilov and Hutter, ICLR 2019, algorithm 2; in depth: arXiv 2605.24425.
struct AdamW : Adam {
  Scalar lambda = unit("lambda", 0.006692850924284856, Extent::none);  // sigmoid(-5)

  constexpr void step(Row g) {
    x *= 1 - lambda;
    Adam::step(g);
  }
};

OPTIFORM_NAMESPACE_END
