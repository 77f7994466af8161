// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/triple_momentum.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Nesterov's accelerated gradient: triple momentum that writes its velocity back unscaled.
///
///   q = x + mu v,   v' = normalise(beta v + gamma g(q)),   x' = x + v'
///
/// Limits    mu = beta without a norm is the textbook method.
/// Source    Nesterov 1983; in depth: Zimin, Polyanskiy, Rigollet, arXiv 2601.23236 (YuriiFormer).
struct Nesterov : TripleMomentum {
  constexpr Nesterov() { pin(nu, 1); }
};

OPTIFORM_NAMESPACE_END
