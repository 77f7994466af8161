// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/rule.hpp>

/// Gradient descent from the sum of two embeddings: what the tables of a velocity add to a network
/// without its dynamics.
///
///   first step: q = x + v,  x' = x + v + g(q);  then v = 0: q = x,  x' = x + g(q)
struct SecondEmbedding : optiform::Rule {
  optiform::Row v = stream("second");

  constexpr optiform::Row query() const { return x + v; }
  constexpr void step(optiform::Row g) {
    x += v + g;
    v *= 0;
  }
};
