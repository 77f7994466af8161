// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/rules/operations/matrix_polynomial.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// An inverse root, and the adjoint of the matrix it was taken of.
template <class E>
struct InverseRootResult {
  E *root, *adjoint;
};

}  // namespace detail

/// Six minimax quintics in a row: from singular values between 0.00155 and 1 to 1 within 5.7e-5.
///
/// Contract  all but the last step are scaled so that 1 / 1.001 is the largest value.
/// Source    the construction of Amsel et al., arXiv 2505.16932, without a cushion: each polynomial
///           is the best one for the interval [l, 1] that is left, divided by 1.001 (1 + its
///           error).
struct MinimaxInverseRoot {
  static constexpr int steps = 6;
  static constexpr Quintic step(int i) {
    constexpr Quintic minimax[steps] = {{4.24674368430837, -12.576476711594, 9.32873402628666},
                                        {4.22671747007932, -12.4090094186907, 9.18129294761238},
                                        {4.14163213275988, -11.714183983034, 8.57155284927516},
                                        {3.79255121556688, -9.13609117521556, 6.34254095864968},
                                        {2.78930833148262, -3.87418285290525, 2.08387552042363},
                                        {1.96138652267388, -1.42868926131788, 0.467359299995254}};
    return minimax[i];
  }
};

/// P of (R + 1e-6 I)^{-1/2} by a coupled iteration: P and R P^2 are multiplied by the same factors
/// until the latter is the identity, which keeps rounding errors where they are.
///
///   A = (R + 1e-6 I) / c,  c = ||(R + 1e-6 I)^2||_F^(1/2);   P = Q / sqrt(c)
///
/// with Q of MatrixPolynomial.
///
/// Contract  R is positive semidefinite, and finite. c is at most n^(1/4) times the largest
///           eigenvalue, the plain Frobenius norm n^(1/2) times: a step less. Iterates commute, so
///           that half of each product is computed, and backward stores nothing (see
///           MatrixPolynomial).
/// Limits    in double the relative error is 5.7e-5 for condition numbers up to 1e5 and n up to
///           256, 1e-4 at 320; where n is larger, up to 4.2e5 / n^(1/4). In float besides 2e-9
///           (eigenvalues evenly spread) to 2e-8 (half of them the smallest) times the condition
///           number. Eigenvalues below 2.4e-6 c get less, at most 1542 / sqrt(c).
template <class Polynomial = MinimaxInverseRoot>
struct CoupledInverseRoot {
  static constexpr double damping = 1e-6;
  template <class Matrix>
  using Iteration = detail::MatrixPolynomial<Matrix, Polynomial>;

  /// Matrices of workspace, and products of symmetric matrices.
  static constexpr int forward_workspace = 3, backward_workspace = 9;
  static constexpr int forward_products = detail::polynomial_products(Polynomial::steps);
  static constexpr int backward_products = 3 * forward_products + 1;

  /// Returns P. Overwrites r.
  template <class Matrix, class E = typename Matrix::Element>
  static E* forward(E* r, E* workspace) {
    using math::sqrt;
    E* const square = workspace;
    const E factor = scale<Matrix>(r, square);
    E* const q = Iteration<Matrix>::evaluate(r, square, square + Matrix::size);
    Matrix::scale(sqrt(factor), q);
    return q;
  }
  /// P, and the adjoint of R from that of P. Overwrites both arguments.
  template <class Matrix, class E = typename Matrix::Element>
  static detail::InverseRootResult<E> backward(E* r, E* root_adjoint, E* workspace) {
    using math::sqrt;
    constexpr Index size = Matrix::size;
    E *const square = workspace, *const a = square + size, *const cube = a + size,
             *const adjoint = cube + size;
    const E factor = scale<Matrix>(r, square), root = sqrt(factor);
    Matrix::copy(r, a);
    Matrix::copy(root_adjoint, adjoint);
    Matrix::multiply({{square, a}}, cube);
    const auto [q, da] = Iteration<Matrix>::differentiate(r, root_adjoint, square, adjoint + size);
    // c changes by <(R / c)^3, dR>.
    const E along = detail::constant<E>(0.5) * Matrix::dot(adjoint, q) + Matrix::dot(da, a);
    Matrix::combine(factor * root, da, -(factor * root * along), cube, detail::constant<E>(0), da);
    Matrix::scale(root, q);
    return {q, da};
  }

 private:
  /// Makes A of R, and its square; returns 1 / c.
  template <class Matrix, class E>
  static E scale(E* r, E* square) {
    using math::sqrt;
    const E one = detail::constant<E>(1);
    Matrix::shift(detail::constant<E>(damping), r);
    // The trace bounds the spectrum: fourth powers of what is left are in the range of a float.
    const E bound = one / Matrix::trace(r);
    Matrix::scale(bound, r);
    Matrix::multiply({{r, r}}, square);
    const E rest = one / sqrt(sqrt(Matrix::dot(square, square)));
    Matrix::scale(rest, r);
    Matrix::scale(rest * rest, square);
    return bound * rest;
  }
};

/// P near (R + 1e-6 I)^{-1/2} by ten steps of Newton's uncoupled iteration.
///
///   A = (R + 1e-6 I) / c,  c = max(||R + 1e-6 I||_F, 1e-6);
///   X = I;  ten times X <- X (3 I - X A X) / 2;   P = X / sqrt(c)
///
/// Limits    rounding errors grow where the condition number is above 9; eigenvalues of A below
///           about 0.01 are not finished, 57.67 is the largest of X.
/// See       CoupledInverseRoot, which has neither limit; this one is for parity.
struct UncoupledInverseRoot {
  static constexpr double damping = 1e-6, least_norm = 1e-6;
  static constexpr int steps = 10;

  static constexpr int forward_workspace = 3, backward_workspace = 6;
  static constexpr int forward_products = 3 * (steps - 1);
  static constexpr int backward_products = 3 * forward_products;

  template <class Matrix, class E = typename Matrix::Element>
  static E* forward(E* r, E* workspace) {
    using math::sqrt;
    E *x = workspace, *y = x + Matrix::size, *const z = y + Matrix::size;
    const E factor = scale<Matrix>(r);
    first<Matrix>(r, x);
    for (int i = 1; i < steps; ++i) {
      Matrix::multiply_left({{x, r}}, y);
      Matrix::multiply({{y, x}}, z);
      Matrix::multiply({{x, z}}, half_of<E>(x), y);
      std::swap(x, y);
    }
    Matrix::scale(sqrt(factor), x);
    return x;
  }
  template <class Matrix, class E = typename Matrix::Element>
  static detail::InverseRootResult<E> backward(E* a, E* root_adjoint, E* workspace) {
    using math::sqrt;
    constexpr Index size = Matrix::size;
    E *x = workspace, *y = x + size, *const z = y + size, *dx = z + size,
      *dy = dx + size, *const dz = dy + size;
    const E *const da = root_adjoint, zero = detail::constant<E>(0);
    const E factor = scale<Matrix>(a), root = sqrt(factor);
    first<Matrix>(a, x);
    Matrix::combine(detail::constant<E>(-0.5), da, zero, da, zero, dx);
    for (int i = 1; i < steps; ++i) {
      Matrix::multiply_left({{x, a}}, y);
      Matrix::multiply_left({{dx, a}, {x, da}}, dy);
      Matrix::multiply({{y, x}}, z);
      Matrix::multiply({{dy, x}, {y, dx}}, dz);
      Matrix::multiply({{dx, z}, {x, dz}}, half_of<E>(dx), dy);
      Matrix::multiply({{x, z}}, half_of<E>(x), y);
      std::swap(x, y);
      std::swap(dx, dy);
    }
    E along = detail::constant<E>(0.5) * Matrix::dot(root_adjoint, x) + Matrix::dot(dx, a);
    const E most = detail::constant<E>(0.999999 / least_norm);  // 1 / least_norm is rounded
    along = select(factor < most, along, zero);
    Matrix::combine(factor * root, dx, -(factor * root * along), a, zero, dx);
    Matrix::scale(root, x);
    return {x, dx};
  }

 private:
  template <class E>
  static detail::Added<E> half_of(const E* x) {
    return {detail::constant<E>(-0.5), detail::constant<E>(1.5), detail::constant<E>(0), x};
  }
  template <class Matrix, class E>
  static void first(const E* a, E* x) {
    const E zero = detail::constant<E>(0);
    Matrix::combine(detail::constant<E>(-0.5), a, zero, a, detail::constant<E>(1.5), x);
  }
  template <class Matrix, class E>
  static E scale(E* r) {
    using math::sqrt;
    Matrix::shift(detail::constant<E>(damping), r);
    const E norm = sqrt(Matrix::dot(r, r)), least = detail::constant<E>(least_norm);
    const E factor = detail::constant<E>(1) / select(norm > least, norm, least);
    Matrix::scale(factor, r);
    return factor;
  }
};

OPTIFORM_NAMESPACE_END
