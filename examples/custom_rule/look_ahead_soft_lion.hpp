// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

using optiform::Init, optiform::Row, optiform::Rule, optiform::Scalar;

// [rule]
/// Lion that looks ahead, with two rates and a smooth sign.
struct LookAheadSoftLion : Rule {
  Row m = stream("momentum", Init::zeros);
  Scalar mu = unit("mu", 0.5), beta1 = unit("beta1", 0.9), beta2 = unit("beta2", 0.99);
  Scalar gamma = positive("gamma", 0.7);

  constexpr Row query() const { return x + mu * m; }
  constexpr void step(Row g) {
    const Row u = beta1 * m + (1 - beta1) * g;
    m = beta2 * m + (1 - beta2) * g;
    x += gamma * u / sqrt(square(u) + 1e-6);
  }
};
// [rule]

// [variant]
/// Without the look-ahead its query is x.
struct SoftLion : LookAheadSoftLion {
  constexpr SoftLion() { pin(mu, 0); }
};
// [variant]
