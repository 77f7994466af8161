// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/operations/inverse_root.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// M P(R), where P is near the inverse square root of R: what whitens the heads.
///
/// Shapes    M: row, as heads x head_dim; R: square, positive semidefinite; result: row.
/// See       CoupledInverseRoot, UncoupledInverseRoot: damping, range and errors.
template <class InverseRoot = CoupledInverseRoot<>>
struct Precondition : detail::OnSmallMatrices<Precondition<InverseRoot>> {
  static constexpr const char* name = "precondition";
  static constexpr int operands = 2;
  static constexpr Unit operand[] = {Unit::row, Unit::square};
  static constexpr Unit result = Unit::row;

  template <UnitShape S>
  static constexpr Index workspace = Index(2 + (InverseRoot::forward_workspace >
                                                        InverseRoot::backward_workspace
                                                    ? InverseRoot::forward_workspace
                                                    : InverseRoot::backward_workspace)) *
                                     S.head_dim* S.head_dim;

  template <UnitShape S, class Matrix, class E>
  static void forward_on(const E* const* operand, E* result, E* workspace) {
    Matrix::unpack(operand[1], detail::constant<E>(1), workspace);
    const E* const root =
        InverseRoot::template forward<Matrix>(workspace, workspace + Matrix::size);
    Matrix::template apply<S.heads>(operand[0], root, result);
  }
  template <UnitShape S, class Matrix, class E>
  static void backward_on(const E* const* operand, const E* adjoint, E* const* operand_adjoint,
                          E* workspace) {
    E *const r = workspace, *const root_adjoint = r + Matrix::size;
    Matrix::unpack(operand[1], detail::constant<E>(1), r);
    Matrix::template gram<S.heads>(detail::constant<E>(0.5), operand[0], adjoint, root_adjoint);
    const auto [root, r_adjoint] =
        InverseRoot::template backward<Matrix>(r, root_adjoint, root_adjoint + Matrix::size);
    Matrix::template apply<S.heads>(adjoint, root, operand_adjoint[0]);
    Matrix::pack(r_adjoint, detail::constant<E>(2), operand_adjoint[1]);
  }

  /// Of the matrix products.
  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double forward_operations() {
    return InverseRoot::forward_products * product<S, Count> + apply<S>;
  }
  template <UnitShape S, SymmetricProducts Count = SymmetricProducts::lower_triangle>
  static constexpr double backward_operations() {
    return InverseRoot::backward_products * product<S, Count> + apply<S> +
           4. * S.heads * detail::counted_elements(S.head_dim, Count);
  }

 private:
  template <UnitShape S, SymmetricProducts Count>
  static constexpr double product = 2. * detail::counted_elements(S.head_dim, Count) * S.head_dim;
  template <UnitShape S>
  static constexpr double apply = 2. * S.heads* S.head_dim* S.head_dim;
};

OPTIFORM_NAMESPACE_END
