// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Actions 0, 1, ..., Count - 1. An environment names it: `using ActionSpace = Discrete<2>;`
///
/// Shapes    an action is stored as one int, whatever the scalar of observations is.
template <int Count>
struct Discrete {
  static_assert(Count >= 2, "optiform: Discrete - a choice needs at least two actions");
  static constexpr int actions = Count;
  static constexpr int columns = 1;
  using Action = int;
  template <class T>
  using Number = int;

  static Action action(const int* stored) { return *stored; }
};

/// Actions in R^Size. An environment that has bounds clips what it is given, so that data keep the
/// action that was drawn.
///
/// Shapes    an action is stored as Size scalars.
template <int Size>
struct Continuous {
  static_assert(Size >= 1, "optiform: Continuous - an action needs at least one number");
  static constexpr int columns = Size;
  using Action = std::array<double, static_cast<std::size_t>(Size)>;
  template <class T>
  using Number = T;

  template <class T>
  static Action action(const T* stored) {
    Action numbers{};
    for (int i = 0; i < Size; ++i)
      numbers[static_cast<std::size_t>(i)] = static_cast<double>(stored[i]);
    return numbers;
  }
};

OPTIFORM_NAMESPACE_END
