// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/nesterov.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Polyak's heavy ball: Nesterov without the look-ahead.
///
///   v' = normalise(beta v + gamma g(x)),   x' = x + v'
///
/// Source    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
struct HeavyBall : Nesterov {
  constexpr HeavyBall() { pin(mu, 0); }
};

OPTIFORM_NAMESPACE_END
