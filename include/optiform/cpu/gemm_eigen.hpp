// SPDX-License-Identifier: MIT
#pragma once

// GCC 12 takes the undefined values inside its own AVX-512 intrinsics for mistakes of the caller.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstddef>

#include <optiform/core/config.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/gemm_arguments.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Matrix products by Eigen: a second opinion, and the choice on machines Eigen knows better.
///
/// Contract  Eigen allocates its own panels. Where Eigen is compiled with OpenMP, call
///           Eigen::setNbThreads(1): the threads are ours.
struct EigenGemm {
  template <class T>
  static Index scratch_bytes(const GemmArguments<T>&) {
    return 0;
  }

  template <class T>
  static void serial(std::byte*, const GemmArguments<T>& g) {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    using Stored = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
    Eigen::Map<Matrix, 0, Eigen::OuterStride<>> c(g.c, g.m, g.n, Eigen::OuterStride<>(g.ldc));
    if (g.beta == T(0))
      c.setZero();
    else if (g.beta != T(1))
      c *= g.beta;
    if (g.k == 0 || g.alpha == T(0)) return;
    const bool flip_a = g.transpose_a == Transpose::yes, flip_b = g.transpose_b == Transpose::yes;
    const Stored a(g.a, flip_a ? g.k : g.m, flip_a ? g.m : g.k, Eigen::OuterStride<>(g.lda));
    const Stored b(g.b, flip_b ? g.n : g.k, flip_b ? g.k : g.n, Eigen::OuterStride<>(g.ldb));
    if (flip_a && flip_b)
      c.noalias() += g.alpha * a.transpose() * b.transpose();
    else if (flip_a)
      c.noalias() += g.alpha * a.transpose() * b;
    else if (flip_b)
      c.noalias() += g.alpha * a * b.transpose();
    else
      c.noalias() += g.alpha * a * b;
  }
};

OPTIFORM_NAMESPACE_END
