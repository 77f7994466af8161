// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/core/config.hpp>

// Lambdas that take part in straight-line code.
#define OPTIFORM_INLINE_LAMBDA __attribute__((always_inline))

// Loops over registers have to disappear, or the registers live in memory.
#if defined(__clang__)
#define OPTIFORM_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__CUDACC__)
#define OPTIFORM_UNROLL  // does not know the host compiler's
#else
#define OPTIFORM_UNROLL _Pragma("GCC unroll 16")
#endif

OPTIFORM_NAMESPACE_BEGIN

/// Calls f(0), ..., f(Count - 1) as straight-line code. A loop over an array of vectors that is
/// not unrolled keeps them in memory.
template <int Count, class F>
OPTIFORM_INLINE constexpr void unrolled(F&& f) {
  if constexpr (Count == 1) {
    f(0);
  } else {
    [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA { (f(I), ...); }
    (std::make_integer_sequence<int, Count>{});
  }
}

/// The same as straight-line code where `Straight` holds, as a loop elsewhere.
template <int Count, bool Straight, class F>
OPTIFORM_INLINE constexpr void repeated(F&& f) {
  if constexpr (Straight) {
    unrolled<Count>(f);
  } else {
    for (int i = 0; i < Count; ++i) f(i);
  }
}

OPTIFORM_NAMESPACE_END
