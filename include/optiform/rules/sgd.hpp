// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Stochastic gradient descent with momentum as deep learning knows it: the rate scales the whole
/// velocity, so that a falling rate shortens what was gathered before, too.
///
///   d = g - decay x,   v' = beta v + d,   x' = x + gamma normalise(v')
///   with LookAhead:                       x' = x + gamma normalise(d + beta v')
///
/// Units     decay: per unit of the rate, coupled: it goes through the velocity.
/// Limits    under a constant rate and without decay HeavyBall and Nesterov, which keep the rate in
///           the velocity.
/// Source    Sutskever et al., "On the importance of initialization and momentum in deep learning",
///           ICML 2013; numbers and order as torch.optim.SGD has them, without dampening.
template <bool LookAhead>
struct BasicSgd : Rule {
  Row v = stream("velocity", Init::zeros);
  Scalar beta = unit("beta", 0.9), gamma = positive("gamma", ln2);
  Scalar decay = constant("decay", 0);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    const Row d = g - decay * x;
    v = beta * v + d;
    if constexpr (LookAhead)
      x += gamma * normalise(d + beta * v);
    else
      x += gamma * normalise(v);
  }
};
using Sgd = BasicSgd<false>;
using NesterovSgd = BasicSgd<true>;

OPTIFORM_NAMESPACE_END
