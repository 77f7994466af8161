// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// out = x + y for n elements; out may be x or y.
template <class T>
OPTIFORM_INLINE void add_rows(Index n, const T* x, const T* y, T* out) {
  using P = Pack<T>;
  Index i = 0;
  for (; i + P::width <= n; i += P::width) (P::load(x + i) + P::load(y + i)).store(out + i);
  if (i < n) (P::load(x + i, n - i) + P::load(y + i, n - i)).store(out + i, n - i);
}

/// out[b, t, :] = tokens[ids[b, t], :] + positions[t, :]; see kernels<Reference>.
template <class Context, class T>
void embedding_forward(Context& context, Index batch, Index length, Index width,
                       const std::int32_t* ids, const T* tokens, const T* positions, T* out) {
  const Index rows = batch * length, piece = std::max<Index>(1, 16384 / width);
  context.parallel((rows + piece - 1) / piece, [&](Index task, int) {
    for (Index r = task * piece; r < std::min(rows, (task + 1) * piece); ++r) {
      const T* token = tokens + ids[r] * width;
      if (positions != nullptr)
        add_rows(width, token, positions + r % length * width, out + r * width);
      else
        std::copy(token, token + width, out + r * width);
    }
  });
}

/// Adds every row of out_gradient to its token's and its position's gradient.
///
/// Contract  a task owns some columns of all rows, so that two tokens with one id never meet and
///           every sum has the order of the tokens.
template <class Context, class T>
void embedding_backward(Context& context, Index batch, Index length, Index width,
                        const std::int32_t* ids, const T* out_gradient, T* tokens_gradient,
                        T* positions_gradient) {
  constexpr Index columns = 64;
  context.parallel((width + columns - 1) / columns, [&](Index task, int) {
    const Index first = task * columns, n = std::min(columns, width - first);
    for (Index r = 0; r < batch * length; ++r) {
      const T* in = out_gradient + r * width + first;
      T* token = tokens_gradient + ids[r] * width + first;
      add_rows(n, token, in, token);
      if (positions_gradient == nullptr) continue;
      T* position = positions_gradient + r % length * width + first;
      add_rows(n, position, in, position);
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
