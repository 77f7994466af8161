// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/networks/features.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A two-layer network whose first layer alone is learned:
///
///   f(x) = m^-1/2 sum_i b_i max(0, alpha_i . x),   b_i = +-1 frozen,   alpha_i(0) ~ N(0, I / d)
///
/// Shapes    alpha = [inputs, stride()], the weights of one input side by side, so that a sparse x
///           touches few columns; entries beyond the width are zero.
/// Contract  the same seed gives the same network; of two widths the narrow one has the first
///           neurons of the wide one, apart from m^-1/2.
/// Limits    homogeneous: f at c alpha is c f, c > 0; <alpha, df/dalpha> = f.
///           The derivative at a kink, alpha_i . x = 0, is 0.
/// Source    Liu, Cai, Yang, Wang, "Neural trust region/proximal policy optimization attains
///           globally optimal policy", NeurIPS 2019; Huang, Hsieh, Ho, Wu, AAAI 2024, section 2.
template <class T>
class TwoLayerRelu {
  static_assert(lane_count<T> == 1, "optiform: TwoLayerRelu - one network per scalar, no packs");

 public:
  /// Neurons that are computed together.
  static constexpr Index block = 32;

  TwoLayerRelu(Index inputs, Index width, std::uint64_t seed = 1) : inputs_(inputs), width_(width) {
    if (inputs < 1) fail("inputs = ", inputs, ", expected at least 1");
    if (width < 1) fail("width = ", width, ", expected at least 1");
    initialise(seed);
  }

  Index inputs() const { return inputs_; }
  Index width() const { return width_; }
  Index stride() const { return (width_ + block - 1) / block * block; }
  Index parameters() const { return inputs_ * stride(); }

  /// Draws signs and initial weights anew.
  void initialise(std::uint64_t seed) {
    sign_.reset(stride());
    initial_.reset(parameters());
    Rng rng(seed);
    const double deviation = 1 / math::sqrt(static_cast<double>(inputs_));
    const double scale = 1 / math::sqrt(static_cast<double>(width_));
    for (Index i = 0; i < width_; ++i) {
      sign_[i] = static_cast<T>(rng.uniform() < 0.5 ? -scale : scale);
      for (Index j = 0; j < inputs_; ++j)
        initial_[j * stride() + i] = static_cast<T>(deviation * rng.normal());
    }
  }
  /// alpha(0), the centre of the ball that training stays in.
  const T* initial() const { return initial_.data(); }
  /// b_i / sqrt(m), [stride()].
  const T* signs() const { return sign_.data(); }

  /// f(x).
  T value(const T* alpha, FeatureRow<T> x) const {
    T total[block]{};
    for (Index first = 0; first < stride(); first += block) {
      T hidden[block];
      activate(alpha + first, x, hidden);
      const T* const sign = sign_.data() + first;
      for (Index i = 0; i < block; ++i)
        total[i] += sign[i] * select(hidden[i] > T(0), hidden[i], T(0));
    }
    T sum(0);
    for (Index i = 0; i < block; ++i) sum += total[i];
    return sum;
  }

  /// Visits the derivative of `scale` f(x) at alpha: f(column, change) with the position of a block
  /// of alpha and its derivative, [block], for the inputs that x has. f may change that block.
  template <class F>
  OPTIFORM_INLINE void each_derivative(const T* alpha, FeatureRow<T> x, T scale, F&& f) const {
    for (Index first = 0; first < stride(); first += block) {
      T hidden[block], change[block];
      activate(alpha + first, x, hidden);
      const T* const sign = sign_.data() + first;
      for (Index i = 0; i < block; ++i) hidden[i] = select(hidden[i] > T(0), sign[i], T(0));
      for (int j = 0; j < x.count; ++j) {
        for (Index i = 0; i < block; ++i) change[i] = scale * x.value[j] * hidden[i];
        f(x.input[j] * stride() + first, static_cast<const T*>(change));
      }
    }
  }

 private:
  OPTIFORM_INLINE void activate(const T* alpha, FeatureRow<T> x, T* hidden) const {
    const T* const first = alpha + x.input[0] * stride();
    for (Index i = 0; i < block; ++i) hidden[i] = x.value[0] * first[i];
    for (int j = 1; j < x.count; ++j) {
      const T* const column = alpha + x.input[j] * stride();
      for (Index i = 0; i < block; ++i) hidden[i] += x.value[j] * column[i];
    }
  }

  Index inputs_, width_;
  Buffer<T> sign_, initial_;
};

OPTIFORM_NAMESPACE_END
