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
  Index row = 0, column = 0;  ///< where C begins in the whole that an epilogue sees

  /// The product that fills `rows` rows and `columns` columns of C from one place on.
  GemmArguments part(Index first_row, Index rows, Index first_column, Index columns) const {
    GemmArguments p = *this;
    p.m = rows;
    p.n = columns;
    // An operand that is never read may be null, and a null pointer has no places.
    if (a != nullptr) p.a += first_row * (transpose_a == Transpose::no ? lda : 1);
    if (b != nullptr) p.b += first_column * (transpose_b == Transpose::no ? 1 : ldb);
    if (c != nullptr) p.c += first_row * ldc + first_column;
    p.row += first_row;
    p.column += first_column;
    return p;
  }
};

OPTIFORM_NAMESPACE_END
