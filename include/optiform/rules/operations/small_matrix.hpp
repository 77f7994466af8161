// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/unrolled.hpp>
#include <optiform/rules/operation.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// a b + c, in one rounding where V has it.
template <class V>
OPTIFORM_INLINE V multiply_add(V a, V b, V c) {
  if constexpr (Packed<V>) {
    return fma(a, b, c);
  } else {
    return a * b + c;
  }
}

/// Two factors of a product: element (i, k) of the left one at a[i * row + k * depth], (k, j) of
/// the right one at b[k * b_depth + j * column].
template <class V>
struct Factors {
  const V* a;
  Index row, depth;
  const V* b;
  Index b_depth, column;
};

/// Elements (i0 + i, j0 + j) of a sum of products; those above the diagonal are left out.
template <int Rows, int Columns, int Depth, bool Diagonal, int Terms, class V, class Emit>
OPTIFORM_INLINE void multiply_block(const Factors<V> (&term)[Terms], Index i0, Index j0,
                                    Emit&& emit) {
  V sum[Rows][Columns];
  OPTIFORM_UNROLL
  for (int i = 0; i < Rows; ++i) {
    OPTIFORM_UNROLL
    for (int j = 0; j < Columns; ++j) sum[i][j] = constant<V>(0);
  }
  OPTIFORM_UNROLL
  for (int t = 0; t < Terms; ++t) {
    const V* a = term[t].a + i0 * term[t].row;
    const V* b = term[t].b + j0 * term[t].column;
    for (int k = 0; k < Depth; ++k) {
      V right[Columns];
      OPTIFORM_UNROLL
      for (int j = 0; j < Columns; ++j) right[j] = b[j * term[t].column];
      OPTIFORM_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const V left = a[i * term[t].row];
        OPTIFORM_UNROLL
        for (int j = 0; j < Columns; ++j)
          if (!Diagonal || j <= i) sum[i][j] = multiply_add(left, right[j], sum[i][j]);
      }
      a += term[t].depth;
      b += term[t].b_depth;
    }
  }
  OPTIFORM_UNROLL
  for (int i = 0; i < Rows; ++i) {
    OPTIFORM_UNROLL
    for (int j = 0; j < Columns; ++j)
      if (!Diagonal || j <= i) emit(i0 + i, j0 + j, sum[i][j]);
  }
}

/// Calls emit(i, j, value) for every element of a sum of products [Rows, Columns], or for its lower
/// triangle. Blocks of it are summed in registers.
template <int Rows, int Columns, int Depth, bool Lower, int Terms, class V, class Emit>
OPTIFORM_INLINE void multiply_small(const Factors<V> (&term)[Terms], Emit&& emit) {
  constexpr int width = Lower && Rows <= 6 ? Rows : 4;
  constexpr int height = Lower || Rows % 6 != 0 ? width : 6;
  constexpr int low = Rows % height, narrow = Columns % width;
  const auto strip = [&]<int W>(Index j) OPTIFORM_INLINE_LAMBDA {
    constexpr bool last = Lower && W < width;  // its block on the diagonal ends the matrix
    Index i = Lower ? j : 0;
    if constexpr (Lower && W == width) {
      multiply_block<W, W, Depth, true>(term, i, j, emit);
      i += height;
    }
    for (; i + height <= Rows; i += height)
      multiply_block<height, W, Depth, false>(term, i, j, emit);
    if constexpr (low > 0)
      if (i < Rows) multiply_block<low, W, Depth, last>(term, i, j, emit);
  };
  for (Index j = 0; j + width <= Columns; j += width) strip.template operator()<width>(j);
  if constexpr (narrow > 0) strip.template operator()<narrow>(Columns - narrow);
}

/// What is added to a product: alpha a b + beta d + diagonal I.
template <class E>
struct Added {
  E alpha, beta, diagonal;
  const E* d;
};

/// Symmetric N x N matrices, row by row, of any scalar: products are taken to be symmetric, as
/// those of polynomials of one matrix are, so that half of one is computed and mirrored.
///
/// See  cpu/panel_matrix.hpp for the same on rows of registers.
template <int N, class V>
struct SmallMatrix {
  using Element = V;
  static constexpr int side = N;
  static constexpr Index size = Index(N) * N;

  struct Pair {
    const V *a, *b;
  };

  /// c = sum of a b
  template <int Terms>
  static void multiply(const Pair (&pair)[Terms], V* c) {
    finish(pair, c, [](Index, Index, V sum) OPTIFORM_INLINE_LAMBDA { return sum; });
  }
  /// The same where c is a left factor only, until it is completed.
  template <int Terms>
  static void multiply_left(const Pair (&pair)[Terms], V* c) {
    multiply(pair, c);
  }
  static void complete(V*) {}
  /// c = alpha (sum of a b) + beta d + diagonal I
  template <int Terms>
  static void multiply(const Pair (&pair)[Terms], const Added<V>& added, V* c) {
    finish(pair, c, [&](Index i, Index j, V sum) OPTIFORM_INLINE_LAMBDA {
      const V value = multiply_add(added.beta, added.d[i * N + j], added.alpha * sum);
      return i == j ? value + added.diagonal : value;
    });
  }
  /// c = alpha a + beta b + diagonal I
  static void combine(V alpha, const V* a, V beta, const V* b, V diagonal, V* c) {
    for (Index i = 0; i < size; ++i) c[i] = multiply_add(alpha, a[i], beta * b[i]);
    shift(diagonal, c);
  }
  static void scale(V factor, V* a) {
    for (Index i = 0; i < size; ++i) a[i] = factor * a[i];
  }
  /// a + x I
  static void shift(V x, V* a) {
    for (Index i = 0; i < N; ++i) a[i * (N + 1)] = a[i * (N + 1)] + x;
  }
  static void copy(const V* a, V* c) {
    for (Index i = 0; i < size; ++i) c[i] = a[i];
  }
  static V trace(const V* a) {
    V sum = a[0];
    for (Index i = 1; i < N; ++i) sum = sum + a[i * (N + 1)];
    return sum;
  }
  /// Sum of the products of all elements.
  static V dot(const V* a, const V* b) {
    V sum[4] = {constant<V>(0), constant<V>(0), constant<V>(0), constant<V>(0)};
    for (Index i = 0; i < size; ++i) sum[i % 4] = multiply_add(a[i], b[i], sum[i % 4]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
  /// c = alpha (a^T b + b^T a) of matrices [Rows, N]
  template <int Rows>
  static void gram(V alpha, const V* a, const V* b, V* c) {
    const Factors<V> one[] = {{a, 1, N, b, N, 1}}, two[] = {{a, 1, N, b, N, 1}, {b, 1, N, a, N, 1}};
    const auto store = [&](V factor) {
      return [=](Index i, Index j, V sum)
                 OPTIFORM_INLINE_LAMBDA { c[i * N + j] = c[j * N + i] = factor * sum; };
    };
    if (a == b) {
      multiply_small<N, N, Rows, true>(one, store(alpha + alpha));
    } else {
      multiply_small<N, N, Rows, true>(two, store(alpha));
    }
  }
  /// out = m p of a matrix m [Rows, N]
  template <int Rows>
  static void apply(const V* m, const V* p, V* out) {
    const Factors<V> factors[] = {{m, N, 1, p, N, 1}};
    multiply_small<Rows, N, N, false>(
        factors, [&](Index i, Index j, V sum) OPTIFORM_INLINE_LAMBDA { out[i * N + j] = sum; });
  }
  /// A whole matrix of its lower triangle, and back; the diagonal or what is off it is scaled.
  static void unpack(const V* triangle, V diagonal, V* full) {
    for (Index i = 0; i < N; ++i) {
      for (Index j = 0; j < i; ++j) full[i * N + j] = full[j * N + i] = *triangle++;
      full[i * (N + 1)] = diagonal * *triangle++;
    }
  }
  static void pack(const V* full, V off_diagonal, V* triangle) {
    for (Index i = 0; i < N; ++i) {
      for (Index j = 0; j < i; ++j) *triangle++ = off_diagonal * full[i * N + j];
      *triangle++ = full[i * (N + 1)];
    }
  }

 private:
  template <int Terms, class F>
  static void finish(const Pair (&pair)[Terms], V* c, F&& value) {
    Factors<V> factors[Terms];
    for (int t = 0; t < Terms; ++t) factors[t] = {pair[t].a, N, 1, pair[t].b, N, 1};
    multiply_small<N, N, N, true>(factors, [&](Index i, Index j, V sum) OPTIFORM_INLINE_LAMBDA {
      c[i * N + j] = c[j * N + i] = value(i, j, sum);
    });
  }
};

/// Base of a row operation that is written for any kind of matrix, as forward_on and backward_on:
/// its definition, on small ones.
template <class Operation>
struct OnSmallMatrices {
  template <UnitShape S, class V>
  static void forward(const V* const* operand, V* result, V* workspace) {
    Operation::template forward_on<S, SmallMatrix<S.head_dim, V>>(operand, result, workspace);
  }
  template <UnitShape S, class V>
  static void backward(const V* const* operand, const V* adjoint, V* const* operand_adjoint,
                       V* workspace) {
    Operation::template backward_on<S, SmallMatrix<S.head_dim, V>>(operand, adjoint,
                                                                   operand_adjoint, workspace);
  }
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
