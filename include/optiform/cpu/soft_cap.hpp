// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <optiform/core/config.hpp>
#include <optiform/cpu/activation.hpp>
#include <optiform/cpu/cross_entropy.hpp>
#include <optiform/cpu/each_register.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// x := cap tanh(x / cap) for one array.
template <class T>
void soft_cap_row(Index n, T cap, T* x) {
  using P = Pack<T>;
  const P inverse(T(1) / cap), scale(cap);
  each_register<P>(n, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
    store(scale * tanh(inverse * load(x + i)), x + i);
  });
}

/// The same, in parallel; see ReferenceSoftCap.
template <class Context, class T>
void soft_cap(Context& context, Index n, double cap, T* x) {
  for_each_piece(context, n, elementwise_piece, [&](Index first, Index last) {
    soft_cap_row(last - first, static_cast<T>(cap), x + first);
  });
}

/// Cross entropy of capped logits; see ReferenceSoftCap. Rows are independent tasks.
template <class Context, class T>
void capped_cross_entropy(Context& context, Index rows, Index vocabulary, double cap, T* logits,
                          const std::int32_t* targets, double gradient_scale, double* losses) {
  using P = Pack<T>;
  const Index piece = std::max<Index>(1, elementwise_piece / vocabulary);
  for_each_piece(context, rows, piece, [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      T* const z = logits + r * vocabulary;
      soft_cap_row(vocabulary, static_cast<T>(cap), z);
      losses[r] = cross_entropy_row(vocabulary, z, targets[r], 0);
      if (gradient_scale == 0) continue;
      const T target = z[targets[r]];
      const P log_sum_exp(static_cast<T>(losses[r] + static_cast<double>(target)));
      const P inverse(static_cast<T>(1 / cap)), one(1), scale(static_cast<T>(gradient_scale));
      each_register<P>(vocabulary, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
        const P x = load(z + i), t = inverse * x;
        store(scale * exp(x - log_sum_exp) * (one - t * t), z + i);
      });
      const T t = target / static_cast<T>(cap);
      z[targets[r]] -= static_cast<T>(gradient_scale) * (T(1) - t * t);
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
