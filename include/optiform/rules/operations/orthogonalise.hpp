// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operation.hpp>
#include <optiform/rules/operations/matrix_polynomial.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// A token's matrix seen as [n, k] with n <= k, and products over its sides.
template <UnitShape S, class V>
struct ShortSide {
  static constexpr bool wide = S.heads <= S.head_dim;
  static constexpr int n = wide ? S.heads : S.head_dim, k = wide ? S.head_dim : S.heads;
  static constexpr Index row = wide ? S.head_dim : 1, column = wide ? 1 : S.head_dim;

  /// c = x x^T
  static void gram(const V* x, V* c) { symmetric<1>({{x, row, column, x, column, row}}, c); }
  /// c = x y^T + y x^T
  static void gram(const V* x, const V* y, V* c) {
    symmetric<2>({{x, row, column, y, column, row}, {y, row, column, x, column, row}}, c);
  }
  /// out = a x
  static void apply(const V* a, const V* x, V* out) {
    multiply<1>({{a, n, 1, x, row, column}}, out);
  }
  /// out = a x + b y
  static void apply(const V* a, const V* x, const V* b, const V* y, V* out) {
    multiply<2>({{a, n, 1, x, row, column}, {b, n, 1, y, row, column}}, out);
  }

 private:
  template <int Terms>
  static void symmetric(const Factors<V> (&sum_of)[Terms], V* c) {
    multiply_small<n, n, k, true>(sum_of, [=](Index i, Index j, V sum) OPTIFORM_INLINE_LAMBDA {
      c[i * n + j] = c[j * n + i] = sum;
    });
  }
  template <int Terms>
  static void multiply(const Factors<V> (&sum_of)[Terms], V* out) {
    multiply_small<n, k, n, false>(sum_of, [=](Index i, Index j, V sum) OPTIFORM_INLINE_LAMBDA {
      out[i * row + j * column] = sum;
    });
  }
};

/// Where the steps that begin at `first` need a new Gram matrix: rounding errors of its smallest
/// eigenvalues have grown a thousandfold by then.
template <class Polynomial>
constexpr int gram_steps_end(int first) {
  double growth = 1;
  int i = first;
  while (i < Polynomial::steps && growth < 1000) {
    growth *= Polynomial::step(i).a * Polynomial::step(i).a;
    ++i;
  }
  return i;
}

}  // namespace detail

/// The token's matrix with all singular values moved towards one: near U V^T of M = U D V^T.
///
///   Y = M / max(||M||_F, 1e-12);   Y <- p(Y Y^T) Y for every step of the polynomial
///
/// Shapes    M, result: rows. Iterates on the Gram matrix of the shorter side, side n = min(heads,
///           head_dim), and multiplies M itself once or twice.
/// Contract  rounding errors of singular values are those of products of Y, not of the Gram matrix:
///           a few steps per Gram matrix. Polynomial: `steps`, and a Quintic for each.
/// Limits    M = 0 gives 0. The derivative is that of the steps, finite everywhere.
/// See       QuinticNewtonSchulz, PolarExpress; orthogonalise() for a weight matrix.
template <class Polynomial = QuinticNewtonSchulz>
struct Orthogonalise {
 private:
  /// Steps [first, end) share a Gram matrix.
  static constexpr int end(int first) { return detail::gram_steps_end<Polynomial>(first); }

  /// Workspace of the steps from `first` on.
  template <UnitShape S>
  static constexpr Index elements(int first) {
    constexpr Index n = detail::ShortSide<S, double>::n, matrices = 10 * n * n;
    if (end(first) == Polynomial::steps) return matrices;
    const Index later = elements<S>(end(first));
    return 2 * S.size(Unit::row) + (matrices > later ? matrices : later);
  }

 public:
  static constexpr const char* name = "orthogonalise";
  static constexpr int operands = 1;
  static constexpr Unit operand[] = {Unit::row};
  static constexpr Unit result = Unit::row;

  template <UnitShape S>
  static constexpr Index workspace = elements<S>(0);

  template <UnitShape S, class V>
  static void forward(const V* const* operand, V* result, V* workspace) {
    iterate<S, 0>(operand[0], result, workspace);
  }
  template <UnitShape S, class V>
  static void backward(const V* const* operand, const V* adjoint, V* const* operand_adjoint,
                       V* workspace) {
    differentiate<S, 0>(operand[0], adjoint, operand_adjoint[0], workspace);
  }

  /// Of the matrix products.
  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double forward_operations() {
    double sum = 0;
    for (int first = 0; first < Polynomial::steps; first = end(first))
      sum += count<S, Count>(1, 1, small_products(first));
    return sum;
  }
  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double backward_operations() {
    double sum = 0;
    for (int first = 0; first < Polynomial::steps; first = end(first)) {
      sum += count<S, Count>(3, 2, 3 * small_products(first));
      if (end(first) < Polynomial::steps) sum += count<S, Count>(1, 1, small_products(first));
    }
    return sum;
  }

 private:
  static constexpr double epsilon = 1e-12;
  template <UnitShape S, SymmetricProducts Count>
  static constexpr double count(int grams, int applications, int products) {
    constexpr int n = detail::ShortSide<S, double>::n, k = detail::ShortSide<S, double>::k;
    constexpr double symmetric = 2 * detail::counted_elements(n, Count);
    return grams * symmetric * k + applications * 2 * n * n * k + products * n * symmetric;
  }
  static constexpr int small_products(int first) {
    return detail::polynomial_products(end(first) - first);
  }

  template <UnitShape S, int First, class V>
  struct Steps {
    using Side = detail::ShortSide<S, V>;
    using Matrix = detail::SmallMatrix<Side::n, V>;
    using Iteration = detail::MatrixPolynomial<Matrix, Polynomial, First, end(First)>;
    static constexpr Index size = Matrix::size;
    static constexpr bool last = end(First) == Polynomial::steps;

    /// a = Y Y^T; returns the factor that makes Y of x.
    static V gram(const V* x, V* a) {
      using math::sqrt;
      Side::gram(x, a);
      if constexpr (First > 0) return detail::constant<V>(1);
      const V trace = Matrix::trace(a), least = detail::constant<V>(epsilon * epsilon);
      const V square = detail::constant<V>(1) / select(trace > least, trace, least);
      Matrix::scale(square, a);
      return sqrt(square);
    }
    /// y = p(...) x
    static void apply(const V* x, V* y, V* workspace) {
      V *const a = workspace, *const square = a + size;
      const V factor = gram(x, a);
      Matrix::multiply({{a, a}}, square);
      V* const q = Iteration::evaluate(a, square, square + size);
      if constexpr (First == 0) Matrix::scale(factor, q);
      Side::apply(q, x, y);
    }
    /// The adjoint of x from that of y.
    static void adjoint(const V* x, const V* y_adjoint, V* x_adjoint, V* workspace) {
      V *const a = workspace, *const tangent = a + size, *const a_square = tangent + size,
               *const gram_of_y = a_square + size, *const q_adjoint = gram_of_y + size;
      const V factor = gram(x, a);
      Side::gram(x, y_adjoint, tangent);
      Matrix::scale(detail::constant<V>(0.5) * factor, tangent);
      Matrix::multiply({{a, a}}, a_square);
      Matrix::copy(a, gram_of_y);
      Matrix::copy(tangent, q_adjoint);
      const auto [q, da] = Iteration::differentiate(a, tangent, a_square, q_adjoint + size);
      if constexpr (First == 0) {
        // Y stays as it is when M grows, unless its norm is below epsilon.
        const V two = detail::constant<V>(2), square = factor * factor;
        V along = Matrix::dot(q, q_adjoint) + two * Matrix::dot(da, gram_of_y);
        const V most = detail::constant<V>(0.999999 / epsilon);  // 1 / epsilon is rounded
        along = select(factor < most, along, detail::constant<V>(0));
        Matrix::scale(factor, q);
        Matrix::scale(two * square, da);
        Matrix::shift(-(square * along), da);
      } else {
        Matrix::scale(detail::constant<V>(2), da);
      }
      Side::apply(q, y_adjoint, da, x, x_adjoint);
    }
  };

  template <UnitShape S, int First, class V>
  static void iterate(const V* x, V* result, V* workspace) {
    using Here = Steps<S, First, V>;
    if constexpr (Here::last) {
      Here::apply(x, result, workspace);
    } else {
      V *const y = workspace, *const rest = y + S.size(Unit::row);
      Here::apply(x, y, rest);
      iterate<S, end(First)>(y, result, rest);
    }
  }
  template <UnitShape S, int First, class V>
  static void differentiate(const V* x, const V* adjoint, V* x_adjoint, V* workspace) {
    using Here = Steps<S, First, V>;
    if constexpr (Here::last) {
      Here::adjoint(x, adjoint, x_adjoint, workspace);
    } else {
      V *const y = workspace, *const y_adjoint = y + S.size(Unit::row),
               *const rest = y_adjoint + S.size(Unit::row);
      Here::apply(x, y, rest);
      differentiate<S, end(First)>(y, adjoint, y_adjoint, rest);
      Here::adjoint(x, y_adjoint, x_adjoint, rest);
    }
  }
};

OPTIFORM_NAMESPACE_END
