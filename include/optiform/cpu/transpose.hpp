// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack_native.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Exchanges the off-diagonal squares of side Step in two registers.
template <class T, int Step, class V>
OPTIFORM_INLINE void exchange_squares(V& a, V& b) {
  constexpr int width = pack_width<T>;
  [&]<int... L>(std::integer_sequence<int, L...>) OPTIFORM_INLINE_LAMBDA {
    const V low = __builtin_shufflevector(a, b, ((L & Step) ? width + L - Step : L)...);
    const V high = __builtin_shufflevector(a, b, ((L & Step) ? width + L : L + Step)...);
    a = low;
    b = high;
  }
  (std::make_integer_sequence<int, width>{});
}

/// A square of registers, rows for columns; Step is half its side.
template <class T, int Step = pack_width<T> / 2, class V>
OPTIFORM_INLINE void transpose_registers(V (&v)[pack_width<T>]) {
  unrolled<pack_width<T>>([&](int i) OPTIFORM_INLINE_LAMBDA {
    if (!(i & Step)) exchange_squares<T, Step>(v[i], v[i + Step]);
  });
  if constexpr (Step > 1) transpose_registers<T, Step / 2>(v);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
