// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/cpu/gemm.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Rows of one strip of a symmetric product: short strips waste less above the diagonal, tall
/// ones pack less for every multiplication.
inline Index symmetric_strip(Index n) {
  constexpr Index fewest = 48, most = 192;
  return std::clamp((n / 8 + fewest - 1) / fewest * fewest, fewest, most);
}

/// C = alpha op(A) op(A)^T + beta D + diagonal I at little more than half the work of a product:
/// strips of rows up to the diagonal are computed, the rest is their mirror image.
///
/// Contract  as kernels<Reference>::symmetric_product; C is symmetric to the bit. Strips follow
///           from n alone, so the result does not depend on the number of threads.
template <class Gemm, class Threads, class T>
void symmetric_product(CpuContext<Threads>& context, Transpose transpose, Index n, Index k, T alpha,
                       const T* a, Index lda, T beta, const T* d, T diagonal, T* c) {
  const Transpose other = transpose == Transpose::no ? Transpose::yes : Transpose::no;
  const GemmArguments<T> whole{transpose, other, n, n, k, alpha, a, lda, a, lda, beta, c, n};
  const Index height = symmetric_strip(n), strips = (n + height - 1) / height;
  context.parallel(strips, [&](Index task, int thread) {
    const Index first = (strips - 1 - task) * height;  // the longest strips go first
    const Index last = std::min(n, first + height);
    if (beta != T(0) && c != d)
      for (Index i = first; i < last; ++i) std::copy_n(d + i * n, last, c + i * n);
    gemm_serial<Gemm>(context, thread, whole.part(first, last - first, 0, last));
    constexpr Index block = 16;  // a mirrored block lies in the first-level cache
    for (Index column = 0; column < first; column += block)
      for (Index i = first; i < last; ++i)
        for (Index j = column; j < std::min(column + block, first); ++j)
          c[j * n + i] = c[i * n + j];
    for (Index i = first; i < last; ++i) {
      for (Index j = first; j < i; ++j) c[j * n + i] = c[i * n + j];
      c[i * n + i] += diagonal;
    }
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
