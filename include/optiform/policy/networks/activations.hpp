// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Activations of small networks: value and derivative on any scalar or register, and the gain of
/// an orthogonal start.
///
/// Source    gains: Huang et al., "The 37 implementation details of proximal policy optimization",
///           2022, detail 2.
struct Tanh {
  static constexpr double gain = 1.41421356237309504880;

  template <class T>
  static T value(T x) {
    using math::tanh;
    return tanh(x);
  }
  template <class T>
  static T derivative(T x) {
    const T y = value(x);
    return T(1) - y * y;
  }
};
struct Relu {
  static constexpr double gain = 1.41421356237309504880;

  template <class T>
  static T value(T x) {
    return select(x > T(0), x, T(0));
  }
  template <class T>
  static T derivative(T x) {
    return select(x > T(0), T(1), T(0));
  }
};

OPTIFORM_NAMESPACE_END
