// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/core/newton_schulz.hpp>
#include <optiform/rules/operations/small_matrix.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Products of symmetric matrices that so many steps of a MatrixPolynomial take, that of `square`
/// among them; its derivative takes three times as many.
constexpr int polynomial_products(int steps) { return 4 * steps - 3; }

/// Steps [First, Last) of an odd iteration on the singular values of Y, seen from its Gram matrix
/// A = Y Y^T alone: Y' = p(A) Y has the Gram matrix A' = p(A)^2 A, so that in the end Y is Q times
/// what it was, Q = ... p(A') p(A). All these matrices are polynomials of the first A: symmetric,
/// and they commute.
///
/// Contract  Matrix is SmallMatrix or PanelMatrix. Matrices are whole, [Matrix::size]; `square` is
///           A A. Overwrites all arguments.
template <class Matrix, class Polynomial, int First = 0, int Last = Polynomial::steps>
struct MatrixPolynomial {
  using E = typename Matrix::Element;

  /// Returns Q, which lies in `square` or in the workspace of two matrices.
  static E* evaluate(E* a, E* square, E* workspace) {
    E *p = workspace, *other = p + Matrix::size, *q = square;
    add_up<First>(a, square, q);
    for (int i = First + 1; i < Last; ++i) {
      const E* const before = i == First + 1 ? q : p;
      E* const s = i == First + 1 ? p : other;
      Matrix::multiply_left({{a, before}}, s);
      Matrix::multiply({{s, before}}, a);
      factor(a, i, p);
      Matrix::multiply_left({{q, p}}, other);
      std::swap(q, other);
    }
    if (Last - First > 1) Matrix::complete(q);
    return q;
  }

  /// Q, and how it changes where A changes by `tangent`.
  struct Result {
    E *q, *tangent;
  };
  /// Workspace of five matrices.
  /// The derivative of a matrix function at a symmetric matrix is its own adjoint: from the adjoint
  /// of Q as the tangent of A, the result's tangent is the adjoint of A. So nothing is stored.
  static Result differentiate(E* a, E* tangent, E* square, E* workspace) {
    E *p = workspace, *dp = p + Matrix::size, *other = dp + Matrix::size,
      *dother = other + Matrix::size, *q = square, *dq = dother + Matrix::size, *const da = tangent;
    factor_tangent(a, da, First, dq);
    add_up<First>(a, square, q);
    for (int i = First + 1; i < Last; ++i) {
      const bool start = i == First + 1;
      const E *const before = start ? q : p, *const dbefore = start ? dq : dp;
      E *const s = start ? p : other, *const ds = start ? dp : dother;
      Matrix::multiply_left({{a, before}}, s);
      Matrix::multiply_left({{da, before}, {a, dbefore}}, ds);
      Matrix::multiply({{s, before}}, a);
      Matrix::multiply({{ds, before}, {s, dbefore}}, da);
      factor(a, i, p);
      factor_tangent(a, da, i, dp);
      Matrix::multiply_left({{q, p}}, other);
      Matrix::multiply_left({{dq, p}, {q, dp}}, dother);
      std::swap(q, other);
      std::swap(dq, dother);
    }
    if (Last - First > 1) Matrix::complete(q);
    if (Last - First > 1) Matrix::complete(dq);
    return {q, dq};
  }

 private:
  template <int Step>
  static void add_up(const E* a, const E* square, E* p) {
    constexpr Quintic k = Polynomial::step(Step);
    Matrix::combine(constant<E>(k.b), a, constant<E>(k.c), square, constant<E>(k.a), p);
  }
  static void factor(const E* a, int step, E* p) {
    const Quintic k = Polynomial::step(step);
    Matrix::multiply({{a, a}}, {constant<E>(k.c), constant<E>(k.b), constant<E>(k.a), a}, p);
  }
  static void factor_tangent(const E* a, const E* da, int step, E* dp) {
    const Quintic k = Polynomial::step(step);
    const Added<E> added{constant<E>(k.c), constant<E>(k.b), constant<E>(0), da};
    Matrix::multiply({{da, a}, {a, da}}, added, dp);
  }
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
