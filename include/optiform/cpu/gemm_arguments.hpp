// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One matrix product: C = alpha op(A) op(B) + beta C.
///
/// Shapes    op(A) [m, k], op(B) [k, n], C [m, n], all row-major; lda, ldb, ldc are the distances
///           between stored rows: A is stored [m, k] or, transposed, [k, m].
/// Contract  C overlaps neither A nor B.
/// Limits    beta = 0 never reads C; alpha = 0 or k = 0 reads neither A nor B.
template <class T>
struct GemmArguments {
  Transpose transpose_a = Transpose::no, transpose_b = Transpose::no;
  Index m = 0, n = 0, k = 0;
  T alpha = 1;
  const T* a = nullptr;
  Index lda = 0;
  const T* b = nullptr;
  Index ldb = 0;
  T beta = 0;
  T* c = nullptr;
  Index ldc = 0;

  /// The product that fills rows [row, row + rows) and columns [column, column + columns) of C.
  GemmArguments part(Index row, Index rows, Index column, Index columns) const {
    GemmArguments p = *this;
    p.m = rows;
    p.n = columns;
    p.a += row * (transpose_a == Transpose::no ? lda : 1);
    p.b += column * (transpose_b == Transpose::no ? 1 : ldb);
    p.c += row * ldc + column;
    return p;
  }
};

OPTIFORM_NAMESPACE_END
