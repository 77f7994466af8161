// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/pack.hpp>
#include <utility>

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

template <class T, int Step, class V>
OPTIFORM_INLINE void transpose_registers(V (&v)[pack_width<T>]) {
  unrolled<pack_width<T>>([&](int i) OPTIFORM_INLINE_LAMBDA {
    if (!(i & Step)) exchange_squares<T, Step>(v[i], v[i + Step]);
  });
  if constexpr (Step > 1) transpose_registers<T, Step / 2>(v);
}

}  // namespace detail

namespace cpu {

/// Sizes of the pieces attention is cut into: `rows` x `columns` results live in registers, a
/// block of `block` x `block` probabilities lives in the first-level cache.
template <class T>
struct AttentionTile {
#if defined(__SANITIZE_ADDRESS__)
  // Every unrolled access is instrumented: a large tile takes minutes to compile.
  static constexpr int rows = 2, packs = 1, block = 48;
#elif defined(__AVX512F__) || defined(__aarch64__)
  static constexpr int rows = 8, packs = 2, block = 64;
#else
  static constexpr int rows = 6, packs = 2, block = 48;
#endif
  static constexpr int width = pack_width<T>, columns = packs * width;
  static_assert(block % rows == 0 && block % columns == 0);
};

inline constexpr Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// Hands out aligned pieces of one scratch allocation.
class ScratchPieces {
 public:
  explicit ScratchPieces(std::byte* base) : at_(base) {}
  template <class T>
  T* take(Index elements) {
    T* piece = reinterpret_cast<T*>(at_);
    at_ += bytes<T>(elements);
    return piece;
  }
  template <class T>
  static constexpr Index bytes(Index elements) {
    return round_up(elements * static_cast<Index>(sizeof(T)), memory_alignment);
  }

 private:
  std::byte* at_;
};

/// c[i] = sum over k of op(a)(i, k) b[k, :], one register tile.
///
/// Shapes    op(a) is a[i * lda + k], or a[k * lda + i] when Transposed; b has whole packs.
template <class T, int Packs, bool Transposed>
OPTIFORM_INLINE void multiply_tile(Pack<T> (&c)[AttentionTile<T>::rows][Packs], Index depth,
                                   const T* a, Index lda, const T* b, Index ldb) {
  using P = Pack<T>;
  constexpr int rows = AttentionTile<T>::rows;
  const Index step = Transposed ? lda : 1;
#pragma GCC unroll 2
  for (Index k = 0; k < depth; ++k) {
    P right[Packs];
    unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA { right[j] = P::load(b + j * P::width); });
    unrolled<rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
      const P left(a[Transposed ? i : i * lda]);
      unrolled<Packs>([&](int j)
                          OPTIFORM_INLINE_LAMBDA { c[i][j] = fma(left, right[j], c[i][j]); });
    });
    a += step;
    b += ldb;
  }
}

template <class T, int Packs>
OPTIFORM_INLINE void clear_tile(Pack<T> (&c)[AttentionTile<T>::rows][Packs]) {
  unrolled<AttentionTile<T>::rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
    unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA { c[i][j] = Pack<T>(T(0)); });
  });
}

/// c += op(a) b where c and b have whole packs and c has whole tiles of rows.
///
/// Contract  lower: op(a)(i, k) is zero above the diagonal and not read there: below it lie k <= i,
///           or k >= i when Transposed.
template <class T, bool Transposed>
void add_product(Index rows, Index columns, Index depth, const T* a, Index lda, const T* b,
                 Index ldb, T* c, Index ldc, bool lower) {
  using Sizes = AttentionTile<T>;
  const auto tile = [&]<int Packs>(std::integral_constant<int, Packs>, Index row,
                                   Index column) OPTIFORM_INLINE_LAMBDA {
    const Index first = lower && Transposed ? row : 0;
    const Index last = lower && !Transposed ? std::min(depth, row + Sizes::rows) : depth;
    Pack<T> sums[Sizes::rows][Packs];
    T* out = c + row * ldc + column;
    unrolled<Sizes::rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
      unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA {
        sums[i][j] = Pack<T>::load(out + i * ldc + j * Sizes::width);
      });
    });
    const T* left = a + (Transposed ? row + first * lda : row * lda);
    multiply_tile<T, Packs, Transposed>(sums, last - first, left, lda, b + first * ldb + column,
                                        ldb);
    unrolled<Sizes::rows>([&](int i) OPTIFORM_INLINE_LAMBDA {
      unrolled<Packs>([&](int j) OPTIFORM_INLINE_LAMBDA {
        sums[i][j].store(out + i * ldc + j * Sizes::width);
      });
    });
  };
  for (Index column = 0; column < columns;) {
    const bool whole = column + Sizes::columns <= columns;
    for (Index row = 0; row < rows; row += Sizes::rows) {
      if (whole)
        tile(std::integral_constant<int, Sizes::packs>{}, row, column);
      else
        tile(std::integral_constant<int, 1>{}, row, column);
    }
    column += whole ? Sizes::columns : Sizes::width;
  }
}

/// Asks early for rows that lie pages apart: no hardware prefetcher follows such strides.
template <bool ForWriting = false, class T>
OPTIFORM_INLINE void prefetch_rows(Index rows, Index columns, const T* x, Index ld) {
  constexpr Index line = memory_alignment / static_cast<Index>(sizeof(T));
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < columns; i += line)
      __builtin_prefetch(x + r * ld + i, ForWriting, ForWriting ? 3 : 2);
}

/// out[r, :] = factor * in[r, :] for `rows` rows, padded with zeros to ldo columns.
template <class T>
void copy_rows(Index rows, Index columns, const T* in, Index ldi, T factor, T* out, Index ldo) {
  using P = Pack<T>;
  const P scale(factor);
  for (Index r = 0; r < rows; ++r, in += ldi, out += ldo) {
    Index i = 0;
    for (; i + P::width <= columns; i += P::width) (scale * P::load(in + i)).store(out + i);
    for (; i < ldo; i += P::width) (scale * P::load(in + i, columns - i)).store(out + i);
  }
}

/// out[r, :] = factor * in[r, :] without padding columns.
template <class T>
void copy_rows_back(Index rows, Index columns, const T* in, Index ldi, T factor, T* out,
                    Index ldo) {
  using P = Pack<T>;
  const P scale(factor);
  constexpr Index distance = 16;
  for (Index r = 0; r < rows; ++r, in += ldi, out += ldo) {
    if (r + distance < rows) prefetch_rows<true>(1, columns, out + distance * ldo, ldo);
    Index i = 0;
    for (; i + P::width <= columns; i += P::width) (scale * P::load(in + i)).store(out + i);
    if (i < columns) (scale * P::load(in + i, columns - i)).store(out + i, columns - i);
  }
}

/// Writes in^T as panels: panel p is [columns, tile columns], its rows are features and its
/// columns are the rows p * tile columns ... of `in`; zeros stand beyond the last row.
template <class T>
void transpose_to_panels(Index rows, Index columns, const T* in, Index ldi, T* out) {
  using P = Pack<T>;
  constexpr Index width = P::width, panel = AttentionTile<T>::columns;
  for (Index r = 0; r < round_up(rows, panel); r += width) {
    T* to = out + r / panel * panel * columns + r % panel;
    for (Index c = 0; c < columns; c += width) {
      typename P::Vector v[width];
      for (Index i = 0; i < width; ++i) {
        if (r + i < rows)
          v[i] = P::load(in + (r + i) * ldi + c, columns - c).part[0];
        else
          v[i] = P(T(0)).part[0];
      }
      optiform::detail::transpose_registers<T, width / 2>(v);
      for (Index j = 0; j < std::min(width, columns - c); ++j) {
        P p;
        p.part[0] = v[j];
        p.store(to + (c + j) * panel);
      }
    }
  }
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
