// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The part of C that is held in registers while k runs: `rows` x `packs` registers.
struct GemmTile {
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr int rows = 8;  // 24 of 32 registers accumulate
#else
  static constexpr int rows = 4;  // 12 of 16
#endif
  static constexpr int packs = 3;
  template <class T>
  static constexpr int columns = packs* pack_width<T>;
};

/// One tile of a product: c = alpha * (a b) + beta * c.
template <class T>
struct TileArguments {
  Index k;
  const T* a;      ///< k steps of GemmTile::rows numbers
  const T* b;      ///< k steps of whole packs
  Index b_stride;  ///< distance between two steps of b
  T* c;
  Index ldc;
  Index rows, columns;  ///< what of c exists
  T alpha, beta;
};

/// Every element is alpha * (the sum over k in order, one fma each), added to beta * c by one
/// fma: the same whatever the tile, its place and the machine's width.
template <class T, int Rows, int Packs>
__attribute__((noinline)) void multiply_tile(const TileArguments<T>& t) {
  using P = Pack<T>;
  constexpr int width = P::width;
  P sums[Rows][Packs];
  unrolled<Rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
    unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA { sums[i][j] = P(T(0)); });
    if (i < t.rows) __builtin_prefetch(t.c + i * t.ldc, 1);
  });
  const T* a = t.a;
  const T* b = t.b;
  const Index b_stride = t.b_stride;
#if defined(__clang__)
#pragma clang loop unroll_count(4)
#else
#pragma GCC unroll 4
#endif
  for (Index k = t.k; k > 0; --k) {
    P row[Packs];
    unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA { row[j] = P::load(b + j * width); });
    unrolled<Rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
      const P factor(a[i]);
      unrolled<Packs>([&](int j)
                          OPTIFORM_INLINE_LAMBDA { sums[i][j] = fma(factor, row[j], sums[i][j]); });
    });
    a += GemmTile::rows;
    b += b_stride;
  }
  const P alpha(t.alpha), beta(t.beta);
  if (t.rows >= Rows && t.columns >= Packs * width) {
    unrolled<Rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
      unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA {
        T* c = t.c + i * t.ldc + j * width;
        const P value =
            t.beta == T(0) ? alpha * sums[i][j] : fma(alpha, sums[i][j], beta * P::load(c));
        value.store(c);
      });
    });
    return;
  }
  unrolled<Rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
    if (i >= t.rows) return;
    unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA {
      T* c = t.c + i * t.ldc + j * width;
      const Index count = t.columns - j * width;
      const P value =
          t.beta == T(0) ? alpha * sums[i][j] : fma(alpha, sums[i][j], beta * P::load(c, count));
      value.store(c, count);
    });
  });
}

template <class T, int Packs>
OPTIFORM_INLINE void multiply_tile_rows(const TileArguments<T>& t) {
  constexpr int rows = GemmTile::rows;
  if (t.rows > rows / 2) return multiply_tile<T, rows, Packs>(t);
  if (t.rows > rows / 4) return multiply_tile<T, rows / 2, Packs>(t);
  if constexpr (rows >= 8)
    if (t.rows > 1) return multiply_tile<T, 2, Packs>(t);
  multiply_tile<T, 1, Packs>(t);
}

/// Chooses the smallest register tile that covers the rows and `packs`.
template <class T>
OPTIFORM_INLINE void multiply_tile(const TileArguments<T>& t, Index packs) {
  static_assert(GemmTile::packs == 3);
  if (packs == 3) return multiply_tile_rows<T, 3>(t);
  if (packs == 2) return multiply_tile_rows<T, 2>(t);
  multiply_tile_rows<T, 1>(t);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
