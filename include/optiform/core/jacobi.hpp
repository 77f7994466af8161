// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Makes a(p, q) zero by a rotation of the plane (p, q), and turns the columns of v along.
inline void jacobi_rotate(Index n, double* a, double* v, Index p, Index q) {
  if (a[p * n + q] == 0) return;
  const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
  const double t = (theta < 0 ? -1 : 1) / (math::abs(theta) + math::sqrt(theta * theta + 1));
  const double c = 1 / math::sqrt(t * t + 1), s = t * c;
  const auto turn = [&](double& x, double& y) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  };
  for (Index i = 0; i < n; ++i) turn(a[i * n + p], a[i * n + q]);
  for (Index i = 0; i < n; ++i) turn(a[p * n + i], a[q * n + i]);
  a[p * n + q] = a[q * n + p] = 0;
  if (v == nullptr) return;
  for (Index i = 0; i < n; ++i) turn(v[i * n + p], v[i * n + q]);
}

}  // namespace detail

/// Makes a symmetric matrix diagonal by cyclic Jacobi rotations: a becomes V^T a V, and v, where
/// there is one, v V. The eigenvalues are in no order.
///
/// Shapes    a, v [n, n] row-major.
/// Limits    small matrices: a sweep is of order n^3, and there are about ten.
/// Source    Golub, Van Loan, Matrix Computations, section 8.5.
inline void diagonalise(Index n, double* a, double* v = nullptr) {
  double all = 0;
  for (Index i = 0; i < n * n; ++i) all += a[i] * a[i];
  for (int sweep = 0; sweep < 60; ++sweep) {
    double outside = 0;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) outside += a[p * n + q] * a[p * n + q];
    if (outside <= 1e-40 * all) return;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) detail::jacobi_rotate(n, a, v, p, q);
  }
}

OPTIFORM_NAMESPACE_END
