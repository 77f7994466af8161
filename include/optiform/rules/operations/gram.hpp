// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operations/small_matrix.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// G^T G of the token's heads x head_dim matrix G: the covariance of its heads.
///
/// Shapes  G: row; result: square.
struct Gram : detail::OnSmallMatrices<Gram> {
  static constexpr const char* name = "gram";
  static constexpr int operands = 1;
  static constexpr Unit operand[] = {Unit::row};
  static constexpr Unit result = Unit::square;

  template <UnitShape S>
  static constexpr Index workspace = Index(S.head_dim) * S.head_dim;

  template <UnitShape S, class Matrix, class E>
  static void forward_on(const E* const* operand, E* result, E* workspace) {
    Matrix::template gram<S.heads>(detail::constant<E>(0.5), operand[0], operand[0], workspace);
    Matrix::pack(workspace, detail::constant<E>(1), result);
  }
  /// A number off the diagonal stands for two elements, and one on it is a square.
  template <UnitShape S, class Matrix, class E>
  static void backward_on(const E* const* operand, const E* adjoint, E* const* operand_adjoint,
                          E* workspace) {
    Matrix::unpack(adjoint, detail::constant<E>(2), workspace);
    Matrix::template apply<S.heads>(operand[0], workspace, operand_adjoint[0]);
  }

  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double forward_operations() {
    return 2. * S.heads * detail::counted_elements(S.head_dim, Count);
  }
  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double backward_operations() {
    return 2. * S.heads * S.head_dim * S.head_dim;
  }
};

OPTIFORM_NAMESPACE_END
