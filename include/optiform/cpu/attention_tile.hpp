// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/gemm_tile.hpp>
#include <optiform/cpu/pack.hpp>

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
#if defined(__AVX512F__) || defined(__aarch64__)
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

/// One register tile of c = op(a) b, or of c += op(a) b when Accumulate.
///
/// Shapes    c [tile rows, Packs registers]; op(a)(i, k) is a[i * lda + k], or a[k * lda + i] when
///           Transposed; b [depth, Packs registers].
template <class T, int Packs, bool Transposed, bool Accumulate>
__attribute__((noinline)) void multiply_tile(Index depth, const T* a, Index lda, const T* b,
                                             Index ldb, T* c, Index ldc) {
  // Registers themselves, not Packs: this is what compilers with checks of every access choke on.
  using V = optiform::detail::native_vector<T>;
  constexpr int rows = AttentionTile<T>::rows, width = pack_width<T>;
  V sums[rows][Packs];
  OPTIFORM_UNROLL
  for (int i = 0; i < rows; ++i) {
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j)
      sums[i][j] = Accumulate ? optiform::detail::load(c + i * ldc + j * width) : V{};
  }
  for (Index k = 0; k < depth; ++k) {
    V right[Packs];
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j) right[j] = optiform::detail::load(b + j * width);
    OPTIFORM_UNROLL
    for (int i = 0; i < rows; ++i) {
      const V left = optiform::detail::broadcast(a[Transposed ? i : i * lda]);
      OPTIFORM_UNROLL
      for (int j = 0; j < Packs; ++j)
        sums[i][j] = optiform::detail::fma<T>(left, right[j], sums[i][j]);
    }
    a += Transposed ? lda : 1;
    b += ldb;
  }
  OPTIFORM_UNROLL
  for (int i = 0; i < rows; ++i) {
    OPTIFORM_UNROLL
    for (int j = 0; j < Packs; ++j) optiform::detail::store(c + i * ldc + j * width, sums[i][j]);
  }
}

/// c = op(a) b or c += op(a) b where c and b have whole packs and c has whole tiles of rows.
///
/// Contract  lower: op(a)(i, k) is zero above the diagonal and not read there: below it lie k <= i,
///           or k >= i when Transposed.
template <bool Transposed, bool Accumulate, class T>
void multiply(Index rows, Index columns, Index depth, const T* a, Index lda, const T* b, Index ldb,
              T* c, Index ldc, bool lower = false) {
  using Sizes = AttentionTile<T>;
  for (Index column = 0; column < columns; column += Sizes::columns) {
    const bool whole = columns - column > Sizes::width;
    for (Index row = 0; row < rows; row += Sizes::rows) {
      const Index first = lower && Transposed ? row : 0;
      const Index last = lower && !Transposed ? std::min(depth, row + Sizes::rows) : depth;
      const T* left = a + (Transposed ? row + first * lda : row * lda);
      const T* right = b + first * ldb + column;
      T* out = c + row * ldc + column;
      if (whole)
        multiply_tile<T, Sizes::packs, Transposed, Accumulate>(last - first, left, lda, right, ldb,
                                                               out, ldc);
      else
        multiply_tile<T, 1, Transposed, Accumulate>(last - first, left, lda, right, ldb, out, ldc);
    }
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
