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
  // Registers themselves in unrolled loops, not Packs: this is the one function whose size counts
  // when it is compiled with checks of every access.
  using V = native_vector<T>;
  constexpr int width = pack_width<T>;
  V sums[Rows][Packs];
  OPTIFORM_UNROLL
  for (int i = 0; i < Rows; ++i) {
    if (i < t.rows) __builtin_prefetch(t.c + i * t.ldc, 1);
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j) sums[i][j] = V{};
  }
  const T* a = t.a;
  const T* b = t.b;
  const Index b_stride = t.b_stride;
  for (Index k = t.k; k > 0; --k) {
    V row[Packs];
    // Opaque, or the compiler loads them again for every use: more loads than a core can do.
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j) row[j] = opaque(load(b + j * width));
    OPTIFORM_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const V factor = broadcast(a[i]);
      OPTIFORM_UNROLL
      for (int j = 0; j < Packs; ++j) sums[i][j] = fma<T>(factor, row[j], sums[i][j]);
    }
    a += GemmTile::rows;
    b += b_stride;
  }
  const V alpha = broadcast(t.alpha), beta = broadcast(t.beta);
  if (t.rows >= Rows && t.columns >= Packs * width) {
    OPTIFORM_UNROLL
    for (int i = 0; i < Rows; ++i) {
      OPTIFORM_UNROLL
      for (int j = 0; j < Packs; ++j) {
        T* c = t.c + i * t.ldc + j * width;
        V value = alpha * sums[i][j];
        if (t.beta != T(0)) value = fma<T>(alpha, sums[i][j], beta * load(c));
        store(c, value);
      }
    }
    return;
  }
  // At the ends of C the same arithmetic, by way of memory.
  T whole[Rows][Packs * width];
  OPTIFORM_UNROLL
  for (int i = 0; i < Rows; ++i) {
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j) store(whole[i] + j * width, sums[i][j]);
  }
  for (Index i = 0; i < t.rows; ++i)
    for (Index j = 0; j < t.columns; j += width) {
      T* c = t.c + i * t.ldc + j;
      const V sum = load(whole[i] + j);
      V value = alpha * sum;
      if (t.beta != T(0)) value = fma<T>(alpha, sum, beta * load(c, t.columns - j));
      store(c, value, t.columns - j);
    }
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
