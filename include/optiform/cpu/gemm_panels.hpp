// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_tile.hpp>

// Operands are copied into panels, so that a tile reads both of them front to back: a panel holds,
// step by step along k, the numbers of a few neighbouring rows of op(A) or columns of op(B).

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Four rows of four become four columns.
template <class T>
OPTIFORM_INLINE void transpose_4x4(const T* source, Index stride, T* target, Index width) {
  typedef T Quad __attribute__((vector_size(4 * sizeof(T))));
  Quad r[4];
  unrolled<4>([&](int i) OPTIFORM_INLINE_LAMBDA {
    __builtin_memcpy(&r[i], source + i * stride, sizeof(Quad));
  });
  const Quad ab_low = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const Quad cd_low = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Quad ab_high = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const Quad cd_high = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  r[1] = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  r[3] = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
  unrolled<4>([&](int i) OPTIFORM_INLINE_LAMBDA {
    __builtin_memcpy(target + i * width, &r[i], sizeof(Quad));
  });
}

/// target[k][i] = source[i * stride + k] for i < count, 0 up to width.
template <class T>
void pack_transposed(Index steps, const T* source, Index stride, Index count, T* target,
                     Index width) {
  constexpr Index line = memory_alignment / static_cast<Index>(sizeof(T));
  for (Index row = 0; row < width; row += 4) {
    const T* from = source + row * stride;
    T* to = target + row;
    Index k = 0;
    if (row + 4 <= count)
      for (; k + 4 <= steps; k += 4) {
        if (k % line == 0)  // the four rows that come next
          for (Index i = 4; i < 8; ++i) __builtin_prefetch(from + i * stride + k);
        transpose_4x4(from + k, stride, to + k * width, width);
      }
    const Index rows = std::min<Index>(4, width - row);
    for (; k < steps; ++k)
      for (Index i = 0; i < rows; ++i)
        to[k * width + i] = row + i < count ? from[i * stride + k] : T(0);
  }
}

/// target[k][i] = source[k * stride + i] for i < count, 0 up to width, a multiple of Unit.
template <Index Unit, class T>
void pack_straight(Index steps, const T* source, Index stride, Index count, T* target,
                   Index width) {
  constexpr Index line = memory_alignment / static_cast<Index>(sizeof(T)), ahead = 8;
  for (Index k = 0; k < steps; ++k) {
    const T* from = source + k * stride;
    T* to = target + k * width;
    for (Index i = 0; i < count; i += line) __builtin_prefetch(from + ahead * stride + i);
    Index i = 0;
    for (; i + Unit <= count; i += Unit) __builtin_memcpy(to + i, from + i, Unit * sizeof(T));
    for (; i < width; ++i) to[i] = i < count ? from[i] : T(0);
  }
}

/// How columns of C are cut into panels of whole packs: three packs each, except that a rest of
/// four packs becomes two and two.
template <class T>
struct ColumnPanels {
  Index extent;
  Index packs() const { return (extent + pack_width<T> - 1) / pack_width<T>; }
  Index count() const { return (packs() + GemmTile::packs - 1) / GemmTile::packs; }
  /// Panels of three packs; the others have one less.
  Index wide() const { return std::max<Index>(0, packs() - 2 * count()); }
  /// First pack of a panel; panel may be count().
  Index first_pack(Index panel) const {
    if (panel >= count()) return packs();
    return 3 * panel - std::max<Index>(0, panel - wide());
  }
  Index first_column(Index panel) const { return first_pack(panel) * pack_width<T>; }
};

/// Steps [k, k + steps) of op(A), as panels of GemmTile::rows.
template <class T>
void pack_a(const GemmArguments<T>& g, Index k, Index steps, T* target) {
  constexpr Index rows = GemmTile::rows, several = 4;
  Index i = 0;
  // Stored [k, m]: several panels at once, so that a cache line is used while it is there.
  if (g.transpose_a == Transpose::yes)
    for (; i + several * rows <= g.m; i += several * rows)
      for (Index step = 0; step < steps; ++step) {
        const T* from = g.a + (k + step) * g.lda + i;
        T* to = target + i * steps + step * rows;
        __builtin_prefetch(from + 8 * g.lda);
        for (Index panel = 0; panel < several; ++panel)
          __builtin_memcpy(to + panel * rows * steps, from + panel * rows, rows * sizeof(T));
      }
  for (; i < g.m; i += rows) {
    const Index count = std::min(rows, g.m - i);
    T* panel = target + i * steps;
    if (g.transpose_a == Transpose::no)
      pack_transposed(steps, g.a + i * g.lda + k, g.lda, count, panel, rows);
    else
      pack_straight<rows>(steps, g.a + k * g.lda + i, g.lda, count, panel, rows);
  }
}

/// Steps [k, k + steps) of one panel of op(B).
template <class T>
void pack_b(const GemmArguments<T>& g, const ColumnPanels<T>& panels, Index panel, Index k,
            Index steps, T* target) {
  const Index at = panels.first_column(panel), width = panels.first_column(panel + 1) - at;
  const Index count = std::min(width, g.n - at);
  if (g.transpose_b == Transpose::no)
    pack_straight<pack_width<T>>(steps, g.b + k * g.ldb + at, g.ldb, count, target, width);
  else
    pack_transposed(steps, g.b + at * g.ldb + k, g.ldb, count, target, width);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
