// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>
#include <optiform/cpu/each_register.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/rules/norm.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// The scalar product of two short arrays, sixteen running sums.
template <class T>
OPTIFORM_INLINE T short_dot(Index n, const T* x, const T* y) {
  using P = Lanes<T>;
  P lanes(0);
  each_register<P>(n, [&](Index i, auto load, auto)
                          OPTIFORM_INLINE_LAMBDA { lanes = fma(load(x + i), load(y + i), lanes); });
  return sum(lanes);
}

/// One head: x := rotate(factor (x - shift z)); direction -1 rotates back. z may be null.
template <bool Shifts, class T>
OPTIFORM_INLINE void turn_head(Index head_dim, Index pairs, const T* rotation, T direction,
                               T factor, [[maybe_unused]] T shift, [[maybe_unused]] const T* z,
                               T* x) {
  using P = Lanes<T>;
  const auto scaled = [&](auto load, Index i) OPTIFORM_INLINE_LAMBDA {
    P v = load(x + i);
    if constexpr (Shifts) v = fma(P(-shift), load(z + i), v);
    return P(factor) * v;
  };
  each_register<P>(pairs, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
    const P cosine = load(rotation + i), sine = P(direction) * load(rotation + pairs + i);
    const P a = scaled(load, i), b = scaled(load, pairs + i);
    store(a * cosine - b * sine, x + i);
    store(b * cosine + a * sine, x + pairs + i);
  });
  const Index rest = head_dim - 2 * pairs;
  each_register<P>(rest, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
    store(scaled(load, 2 * pairs + i), x + 2 * pairs + i);
  });
}

/// Calls f(first head among those that turn, offset of its numbers, position's cosines) for every
/// token, in parallel.
template <class Context, class T, class F>
void each_token_of_heads(Context& context, const AttentionProblem& p, const HeadTransform<T>& t,
                         F&& f) {
  const Index turning = p.heads + p.key_heads();
  const Index rows = p.batch * p.length, stride = p.token_stride();
  const Index piece = std::max<Index>(1, 16384 / stride);
  context.parallel((rows + piece - 1) / piece, [&](Index task, int) {
    for (Index r = task * piece; r < std::min(rows, (task + 1) * piece); ++r) {
      const Index past = t.past != nullptr ? t.past[r / p.length] : 0;
      const Index position = past + r % p.length;
      const T* rotation = t.pairs > 0 ? t.rotation + position * 2 * t.pairs : nullptr;
      for (Index h = 0; h < turning; ++h) f(r * turning + h, r * stride + h * p.head_dim, rotation);
    }
  });
}

/// Norm and rotation of queries and keys in one pass, in place; see ReferenceHeads.
template <class Context, class T>
void heads_forward(Context& context, const AttentionProblem& p, const HeadTransform<T>& t, T* qkv,
                   T* scale) {
  each_token_of_heads(context, p, t, [&](Index head, Index at, const T* rotation) {
    T* const x = qkv + at;
    T factor(1);
    if (t.normalise) {
      const T mean_square = short_dot(p.head_dim, x, x) / static_cast<T>(p.head_dim);
      factor = T(1) / std::sqrt(mean_square + static_cast<T>(norm_epsilon));
      scale[head] = factor;
    }
    turn_head<false>(p.head_dim, t.pairs, rotation, T(1), factor, T(0), x, x);
  });
}

/// Its derivative in one pass, in place; see ReferenceHeads.
template <class Context, class T>
void heads_backward(Context& context, const AttentionProblem& p, const HeadTransform<T>& t,
                    const T* qkv, const T* scale, T* qkv_gradient) {
  each_token_of_heads(context, p, t, [&](Index head, Index at, const T* rotation) {
    const T* const z = qkv + at;
    T* const x = qkv_gradient + at;
    if (t.normalise) {
      const T mean = short_dot(p.head_dim, z, x) / static_cast<T>(p.head_dim);
      turn_head<true>(p.head_dim, t.pairs, rotation, T(-1), scale[head], mean, z, x);
    } else {
      turn_head<false>(p.head_dim, t.pairs, rotation, T(-1), T(1), T(0), z, x);
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
