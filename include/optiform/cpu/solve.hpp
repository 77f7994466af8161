// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/error.hpp>
#include <optiform/core/solve.hpp>
#include <optiform/cpu/backend.hpp>

// GCC 12 calls its own AVX-512 intrinsics uninitialised when Eigen inlines them (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/IterativeLinearSolvers>
#include <Eigen/LU>
#include <Eigen/SparseCore>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

OPTIFORM_NAMESPACE_BEGIN

/// Solves by Eigen: LU with partial pivots; for sparse matrices BiCGSTAB with a diagonal
/// preconditioner, started from the last solution.
///
/// Limits    the sparse solver is for matrices I - gamma P: where BiCGSTAB stops short of a
/// relative
///           residual of 1e-13, simple iteration, which contracts by gamma, finishes the work.
/// Errors    Error if neither gets there.
template <class Gemm, class Threads>
struct linear_solver<BasicCpu<Gemm, Threads>> {
  template <class T>
  using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;

  template <class T>
  class Dense {
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
    using Rows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

   public:
    void factorise(Index n, const T* matrix) {
      if (n_ != n) {
        n_ = n;
        lu_ = Eigen::PartialPivLU<Matrix>(n);
        x_.resize(n);
      }
      lu_.compute(Eigen::Map<const Rows>(matrix, n, n));
    }
    void solve(const T* b, T* x) {
      x_ = lu_.permutationP() * Eigen::Map<const Vector<T>>(b, n_);
      lu_.matrixLU().template triangularView<Eigen::UnitLower>().solveInPlace(x_);
      lu_.matrixLU().template triangularView<Eigen::Upper>().solveInPlace(x_);
      Eigen::Map<Vector<T>>(x, n_) = x_;
    }
    void solve_transposed(const T* b, T* x) {
      x_ = Eigen::Map<const Vector<T>>(b, n_);
      lu_.matrixLU().template triangularView<Eigen::Upper>().transpose().solveInPlace(x_);
      lu_.matrixLU().template triangularView<Eigen::UnitLower>().transpose().solveInPlace(x_);
      Eigen::Map<Vector<T>>(x, n_).noalias() = lu_.permutationP().transpose() * x_;
    }

   private:
    Index n_ = 0;
    Eigen::PartialPivLU<Matrix> lu_;
    Vector<T> x_;
  };

  template <class T>
  class Sparse {
    using Rows = Eigen::SparseMatrix<T, Eigen::RowMajor>;

   public:
    void factorise(const SparseRows<T>& matrix) {
      const Index n = matrix.size();
      rows_.resize(n, n);
      rows_.resizeNonZeros(static_cast<Index>(matrix.value.size()));
      for (Index i = 0; i <= n; ++i)
        rows_.outerIndexPtr()[i] = static_cast<int>(matrix.first[static_cast<std::size_t>(i)]);
      std::copy(matrix.column.begin(), matrix.column.end(), rows_.innerIndexPtr());
      std::copy(matrix.value.begin(), matrix.value.end(), rows_.valuePtr());
      transposed_ = rows_.transpose();
    }
    void solve(const T* b, T* x) { iterate(rows_, b, x, forward_guess_); }
    void solve_transposed(const T* b, T* x) { iterate(transposed_, b, x, transposed_guess_); }

   private:
    void iterate(const Rows& matrix, const T* b, T* x, Vector<T>& guess) {
      const Index n = matrix.rows();
      const Eigen::Map<const Vector<T>> right(b, n);
      if (guess.size() != n) guess = Vector<T>::Zero(n);
      const T small = T(1e-13) * right.norm();
      solver_.setTolerance(T(1e-14));
      solver_.setMaxIterations(500);
      solver_.compute(matrix);
      Vector<T> solution = solver_.solveWithGuess(right, guess);
      if (!solution.allFinite()) solution = guess.allFinite() ? guess : Vector<T>::Zero(n);
      Vector<T> residual = right - matrix * solution;
      T last = residual.norm();
      for (int i = 0; last > small; ++i) {
        solution += residual;  // x' = b + (I - A) x
        residual = right - matrix * solution;
        const T now = residual.norm();
        // Rounding ends the contraction above the target now and then.
        if (i > 50 && now >= last && now <= T(1e3) * small) break;
        if (i == 100000) fail("a linear system of ", n, " states did not converge");
        last = now;
      }
      guess = solution;
      Eigen::Map<Vector<T>>(x, n) = solution;
    }

    Rows rows_, transposed_;
    Eigen::BiCGSTAB<Rows> solver_;
    Vector<T> forward_guess_, transposed_guess_;
  };
};

OPTIFORM_NAMESPACE_END
