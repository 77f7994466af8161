// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/math.hpp>
#include <optiform/oracles/options.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Writes the cosines and sines of the first `positions` positions, computed in double.
///
/// Shapes    table = [positions, 2, pairs]: a position's cosines, then its sines.
/// See       HeadTransform, which reads it.
template <class T>
void rotary_table(const Rotary& rotary, int head_dim, Index positions, T* table) {
  const int pairs = rotary.pairs(head_dim);
  for (int i = 0; i < pairs; ++i) {
    const double frequency = math::pow(rotary.base, -static_cast<double>(i) / pairs);
    for (Index t = 0; t < positions; ++t) {
      T* const at = table + t * 2 * pairs;
      at[i] = T(math::cos(static_cast<double>(t) * frequency));
      at[pairs + i] = T(math::sin(static_cast<double>(t) * frequency));
    }
  }
}

OPTIFORM_NAMESPACE_END
