// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

// g++ 12 believes that its own AVX-512 header, which Eigen includes, reads what nobody wrote.
#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <Eigen/Eigenvalues>
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#include <cmath>
#include <cstddef>

#include <optiform/cpu/row_operations.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "../support/row_operations.hpp"

namespace optiform::testing {

/// A symmetric matrix of given eigenvalues in a random basis, packed as T holds it.
template <class T>
std::vector<T> square_of(const Eigen::VectorXd& eigenvalues) {
  const auto n = eigenvalues.size();
  Rng rng(8);
  const auto numbers = normal(rng, n * n);
  const Eigen::MatrixXd basis =
      Eigen::Map<const Eigen::MatrixXd>(numbers.data(), n, n).householderQr().householderQ();
  const Eigen::MatrixXd r = basis * eigenvalues.asDiagonal() * basis.transpose();
  std::vector<T> packed;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j <= i; ++j) packed.push_back(static_cast<T>(r(i, j)));
  return packed;
}

/// || P - (R + 1e-6 I)^{-1/2} || / || . || by an eigendecomposition in double of the R that T
/// holds. M is the identity, so that the result is P.
template <int n, class T>
double root_error(const Eigen::VectorXd& eigenvalues) {
  using Kernel = RowOperationKernel<Precondition<>, UnitShape{n, n}, T>;
  const std::vector<T> r_packed = square_of<T>(eigenvalues);
  std::vector<T> identity(n * n), p(n * n);
  for (std::size_t i = 0; i < n * n; i += n + 1) identity[i] = 1;
  const T* const operand[] = {identity.data(), r_packed.data()};
  std::vector<std::byte> workspace(static_cast<std::size_t>(Kernel::workspace_bytes()));
  Kernel::forward(1, operand, p.data(), workspace.data());
  Eigen::MatrixXd r(n, n);
  for (int i = 0, at = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j, ++at)
      r(i, j) = r(j, i) =
          static_cast<double>(r_packed[static_cast<std::size_t>(at)]) + (i == j ? 1e-6 : 0);
  const Eigen::MatrixXd exact =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(r).operatorInverseSqrt();
  return relative_error(p, std::vector<double>(exact.data(), exact.data() + n * n));
}

/// Eigenvalues from 1 / condition to 1: evenly in logarithms, all small but one, or half and half.
enum class Spectrum { even, one_large, halves, one_small };
inline Eigen::VectorXd spectrum(Spectrum kind, int n, double condition) {
  Eigen::VectorXd e(n);
  for (int i = 0; i < n; ++i) {
    const bool small = kind == Spectrum::one_large ? i > 0
                       : kind == Spectrum::halves  ? i < n / 2
                                                   : i == 0;
    e(i) = kind == Spectrum::even ? std::pow(condition, -double(i) / (n - 1))
                                  : (small ? 1 / condition : 1.0);
  }
  return e;
}

template <int n>
void check_roots() {
  for (const Spectrum kind :
       {Spectrum::even, Spectrum::one_large, Spectrum::halves, Spectrum::one_small})
    for (const double condition : {1.0, 1e2, 1e3, 1e4, 1e5}) {
      const Eigen::VectorXd e = spectrum(kind, n, condition);
      INFO("n ", n, ", spectrum ", static_cast<int>(kind), ", condition ", condition);
      const double in_double = root_error<n, double>(e), in_float = root_error<n, float>(e);
      CHECK(in_double < 6e-5);
      // In float the smallest eigenvalue is known to a rounding of the largest.
      CHECK(in_float < 7e-5 + 5e-8 * condition);
    }
}

}  // namespace optiform::testing
