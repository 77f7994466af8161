// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/cpu/gemm_tile.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Sizes of the pieces attention is cut into: `rows` x `columns` results live in registers, a
/// block of `block` x `block` probabilities lives in the first-level cache, keys and values of a
/// `piece` in the second.
template <class T>
struct AttentionTile {
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr int rows = 8, packs = 2, block = 64;
#else
  static constexpr int rows = 6, packs = 2, block = 48;
#endif
  static constexpr int width = pack_width<T>, columns = packs * width;
  static constexpr int piece = 8 * block;
  static_assert(block % rows == 0 && block % columns == 0);
};

/// What becomes of a finished sum: Finish(row, column, sum) is stored. This one keeps it.
struct AsItIs {
  template <class V>
  OPTIFORM_INLINE V operator()(int, int, V sum) const {
    return sum;
  }
};

/// One register tile of c = finish(op(a) b), or of c += op(a) b when Accumulate.
///
/// Shapes    c [tile rows, Packs registers]; op(a)(i, k) is a[i * lda + k], or a[k * lda + i] when
///           Transposed; b [depth, Packs registers].
template <class T, int Packs, bool Transposed, bool Accumulate, class Finish = AsItIs>
__attribute__((noinline)) void multiply_tile(Index depth, const T* a, Index lda, const T* b,
                                             Index ldb, T* c, Index ldc, Finish finish = {}) {
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
    for (int j = 0; j < Packs; ++j)
      optiform::detail::store(c + i * ldc + j * width, finish(i, j * width, sums[i][j]));
  }
}

/// A tile of rows of c = finish(a b) for the columns [first, last), or a few more: b lies in panels
/// as transpose_to_panels makes them. Finish::at(column) is what finishes the tile that starts
/// there.
template <class T, class Finish, class Wanted>
void multiply_panels(Index depth, const T* a, Index lda, const T* panels, Index first, Index last,
                     T* c, Index ldc, const Finish& finish, Wanted& wanted) {
  using Sizes = AttentionTile<T>;
  for (Index column = first / Sizes::columns * Sizes::columns; column < last;
       column += Sizes::columns) {
    const T* b = panels + column * depth;
    wanted.ask();
    if (last - column > Sizes::width)
      multiply_tile<T, Sizes::packs, false, false>(depth, a, lda, b, Sizes::columns, c + column,
                                                   ldc, finish.at(column));
    else
      multiply_tile<T, 1, false, false>(depth, a, lda, b, Sizes::columns, c + column, ldc,
                                        finish.at(column));
  }
}

/// The steps [first, last) of a sum.
struct Steps {
  Index first, last;
};

/// c = op(a) b or c += op(a) b where c and b have whole packs and c has whole tiles of rows.
///
/// Contract  steps_of(row) are the only ones the tile of rows that starts there needs.
template <bool Transposed, bool Accumulate, class T, class StepsOf, class Wanted>
void multiply(Index rows, Index columns, const T* a, Index lda, const T* b, Index ldb, T* c,
              Index ldc, StepsOf&& steps_of, Wanted& wanted) {
  using Sizes = AttentionTile<T>;
  for (Index column = 0; column < columns; column += Sizes::columns) {
    const bool whole = columns - column > Sizes::width;
    for (Index row = 0; row < rows; row += Sizes::rows) {
      wanted.ask();
      const Steps steps = steps_of(row);
      const Index depth = steps.last - steps.first;
      if (Accumulate && depth <= 0) continue;
      const T* left = a + (Transposed ? row + steps.first * lda : row * lda + steps.first);
      const T* right = b + steps.first * ldb + column;
      T* out = c + row * ldc + column;
      if (whole)
        multiply_tile<T, Sizes::packs, Transposed, Accumulate>(depth, left, lda, right, ldb, out,
                                                               ldc);
      else
        multiply_tile<T, 1, Transposed, Accumulate>(depth, left, lda, right, ldb, out, ldc);
    }
  }
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
