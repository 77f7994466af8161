// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/policy/concepts.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Euclidean norm of the gradient, by lane.
template <class State>
typename State::Scalar gradient_norm(State& state) {
  using math::sqrt;
  using T = typename State::Scalar;
  auto& improvement = state.improvement();
  T sum(0);
  for (Index i = 0; i < improvement.size(); ++i)
    sum += improvement.gradient()[i] * improvement.gradient()[i];
  return sqrt(sum);
}

}  // namespace detail

/// Divides the gradient by its Euclidean norm: geometry-aware normalised policy gradient.
///
/// Source    Mei et al., "Leveraging non-uniformity in first-order non-convex optimization", ICML
/// 2021.
struct NormalisedGradient {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  template <class State>
  void gradient(State& state) {
    using T = typename State::Scalar;
    const T norm = detail::gradient_norm(state);
    const T scale = select(norm > T(0), T(1) / norm, T(0));
    auto& improvement = state.improvement();
    for (Index i = 0; i < improvement.size(); ++i) improvement.gradient()[i] *= scale;
  }
};

/// Limits every parameter's step, learning rate times gradient, to +-bound.
///
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024: steps that grow
///           exponentially are clipped.
struct ClippedSteps {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  double bound = 1;

  template <class State>
  void gradient(State& state) {
    using T = typename State::Scalar;
    auto& improvement = state.improvement();
    const T most(bound / improvement.rate());
    for (Index i = 0; i < improvement.size(); ++i) {
      T& g = improvement.gradient()[i];
      g = select(g > most, most, select(g < -most, -most, g));
    }
  }
};

/// Scales the gradient down to a largest Euclidean norm.
struct ClippedGradientNorm {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  double largest = 0.5;

  template <class State>
  void gradient(State& state) {
    using T = typename State::Scalar;
    const T norm = detail::gradient_norm(state);
    const T scale = select(norm > T(largest), T(largest) / norm, T(1));
    auto& improvement = state.improvement();
    for (Index i = 0; i < improvement.size(); ++i) improvement.gradient()[i] *= scale;
  }
};

OPTIFORM_NAMESPACE_END
