// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>
#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace reference {

/// See kernels<Reference>::symmetric_product.
template <class T>
void symmetric_product(Transpose transpose, Index n, Index k, T alpha, const T* a, Index lda,
                       T beta, const T* d, T diagonal, T* c) {
  const auto at = [&](Index row, Index column) {
    return transpose == Transpose::no ? a[row * lda + column] : a[column * lda + row];
  };
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      T sum(0);
      for (Index l = 0; l < k; ++l) sum += at(i, l) * at(j, l);
      T value = alpha * sum;
      if (beta != T(0)) value += beta * d[i * n + j];
      c[i * n + j] = i == j ? value + diagonal : value;
    }
}

}  // namespace reference

OPTIFORM_NAMESPACE_END
