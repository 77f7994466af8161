// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Loss of one row of logits, and its gradient in place of them.
///
/// Three sweeps over a row that lies in the second-level cache: the maximum; exponentials with
/// their sum; the scaling. Sums of short blocks are added in double, so that the loss of a large
/// vocabulary keeps its digits. Capped logits are computed where they are used, so that they cost
/// no sweep of their own.
template <bool Capped, class T>
double cross_entropy_row(Index vocabulary, T* z, Index target, double gradient_scale,
                         double soft_cap) {
  using P = Lanes<T>;
  constexpr Index width = P::width, block = 32 * width;
  constexpr T lowest = std::numeric_limits<T>::lowest();
  const Index whole = vocabulary / width * width, rest = vocabulary - whole;

  P largest_lanes(lowest);
  for (Index i = 0; i < whole; i += width) largest_lanes = max(largest_lanes, P::load(z + i));
  T largest = max_lane(largest_lanes);
  for (Index i = whole; i < vocabulary; ++i) largest = std::max(largest, z[i]);

  const P cap(static_cast<T>(soft_cap)), inverse(static_cast<T>(Capped ? 1 / soft_cap : 0));
  double target_logit = static_cast<double>(z[target]), target_slope = 1;
  // Rounded by itself wherever it is computed (opaque), so that the largest logit gives e^0.
  const auto capped = [&](P t)
                          OPTIFORM_INLINE_LAMBDA { return optiform::detail::opaque_pack(cap * t); };
  if constexpr (Capped) {
    const P t = tanh(P(z[target]) * inverse);
    target_logit = static_cast<double>(capped(t)[0]);
    target_slope = static_cast<double>(fma(-t, t, P(1))[0]);
    largest = capped(tanh(P(largest) * inverse))[0];
  }
  // e^(z - largest); `part`, that times the slope of the cap, is what the gradient is made of.
  const auto power = [&](P logit, P& part) OPTIFORM_INLINE_LAMBDA {
    if constexpr (Capped) {
      const P t = tanh(logit * inverse);
      const P e = optiform::detail::exp_or_zero(capped(t) - P(largest));
      part = e * fma(-t, t, P(1));
      return e;
    } else {
      return part = optiform::detail::exp_or_zero(logit - P(largest));
    }
  };
  const bool with_gradient = gradient_scale != 0;
  double total = 0;
  for (Index first = 0; first < whole; first += block) {
    P lanes(0);
    const Index last = std::min(whole, first + block);
    for (Index i = first; i < last; i += width) {
      P part;
      lanes += power(P::load(z + i), part);
      if (with_gradient) part.store(z + i);
    }
    total += static_cast<double>(sum(lanes));
  }
  if (rest > 0) {
    P part;
    T lanes[width];
    power(P::load(z + whole, rest), part).store(lanes);
    for (Index i = 0; i < rest; ++i) total += static_cast<double>(lanes[i]);
    if (with_gradient) part.store(z + whole, rest);
  }

  if (with_gradient) {
    const P factor(static_cast<T>(gradient_scale / total));
    for (Index i = 0; i < whole; i += width) (P::load(z + i) * factor).store(z + i);
    if (rest > 0) (P::load(z + whole, rest) * factor).store(z + whole, rest);
    z[target] -= static_cast<T>(gradient_scale * target_slope);
  }
  return std::log(total) + (static_cast<double>(largest) - target_logit);
}

/// See kernels<Reference>::cross_entropy; rows are independent tasks.
template <class Context, class T>
void cross_entropy(Context& context, Index rows, Index vocabulary, T* logits,
                   const std::int32_t* targets, double gradient_scale, double* losses,
                   double soft_cap = 0) {
  if (soft_cap < 0) fail("cross_entropy: soft_cap = ", soft_cap, "; expected 0 (none) or more");
  const Index piece = std::max<Index>(1, 16384 / vocabulary);
  context.parallel((rows + piece - 1) / piece, [&](Index task, int) {
    for (Index r = task * piece; r < std::min(rows, (task + 1) * piece); ++r) {
      OPTIFORM_ASSERT(targets[r] >= 0 && targets[r] < vocabulary,
                      "cross_entropy: a target lies outside the vocabulary");
      const auto row = soft_cap > 0 ? cross_entropy_row<true, T> : cross_entropy_row<false, T>;
      losses[r] = row(vocabulary, logits + r * vocabulary, targets[r], gradient_scale, soft_cap);
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
