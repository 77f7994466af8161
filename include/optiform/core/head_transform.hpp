// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What happens to every head of queries and keys before they meet: a norm, then a rotation.
///
/// Shapes    the interleaved buffer of an AttentionProblem; values are left alone.
template <class T>
struct HeadTransform {
  bool normalise = false;       ///< heads are divided by their root mean square
  Index pairs = 0;              ///< numbers i and pairs + i of a head turn by the angle of pair i
  const T* rotation = nullptr;  ///< [positions, 2, pairs]: a position's cosines, then its sines
  const Index* past = nullptr;  ///< position of the first token, per sequence; null: zeros
};

OPTIFORM_NAMESPACE_END
