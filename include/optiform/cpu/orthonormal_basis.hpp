// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/error.hpp>
#include <optiform/core/orthonormal_basis.hpp>
#include <optiform/cpu/backend.hpp>

// GCC 12 calls its own AVX-512 intrinsics uninitialised when Eigen inlines them (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

OPTIFORM_NAMESPACE_BEGIN

/// Bases by Eigen: tridiagonal QR iteration and Householder reflections.
/// Errors    Error if the iteration does not converge, as with numbers that are not finite.
template <class Gemm, class Threads>
struct orthonormal_basis<BasicCpu<Gemm, Threads>> {
  template <class T>
  using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// Two squares and some vectors, or blocks of reflections, of doubles; found by counting.
  static constexpr Index eigenvectors_bytes(Index n) { return (2 * n + 8) * n * 8; }
  static constexpr Index orthonormalise_bytes(Index n) { return (2 * n + 190) * n * 8; }

  template <class T>
  static void eigenvectors(Index n, const T* a, T* values, T* vectors) {
    const Eigen::MatrixXd matrix = Eigen::Map<const Rows<T>>(a, n, n).template cast<double>();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
    if (solver.info() != Eigen::Success)
      fail("the eigenvectors of a matrix of ", n, " rows did not converge");
    Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(values, n) =
        solver.eigenvalues().reverse().template cast<T>();
    Eigen::Map<Rows<T>>(vectors, n, n) =
        solver.eigenvectors().rowwise().reverse().template cast<T>();
  }

  template <class T>
  static void orthonormalise(Index n, T* a) {
    Eigen::Map<Rows<T>> rows(a, n, n);
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(rows.template cast<double>());
    const Eigen::MatrixXd q = qr.householderQ();
    rows = q.template cast<T>();
  }
};

OPTIFORM_NAMESPACE_END
