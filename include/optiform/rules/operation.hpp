// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <optiform/core/config.hpp>
#include <optiform/core/require.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What one value of a rule is, per token.
enum class Unit : unsigned char {
  row,    ///< the token's vector, also a heads x head_dim matrix, row-major
  square  ///< a symmetric head_dim x head_dim matrix: lower triangle, (i, j <= i) at i (i + 1) / 2
          ///< + j
};

/// The matrix view of a token's vector.
struct UnitShape {
  int heads = 1;
  int head_dim = 1;

  /// Numbers that one value holds.
  constexpr int size(Unit unit) const {
    return unit == Unit::row ? heads * head_dim : head_dim * (head_dim + 1) / 2;
  }
  friend constexpr bool operator==(const UnitShape&, const UnitShape&) = default;
};

/// How operations of products with symmetric results are counted: as they are made, or as formulas
/// have them.
enum class SymmetricProducts : unsigned char { lower_triangle, whole };

namespace detail {

/// Elements of a symmetric n x n matrix that are counted.
constexpr double counted_elements(int n, SymmetricProducts products) {
  return products == SymmetricProducts::whole ? 1. * n * n : 0.5 * n * (n + 1);
}

}  // namespace detail

/// What a row operation says of itself; its address names the operation in graphs of values.
struct OperationInfo {
  const char* name = "";
  int operands = 1;
  Unit operand[2]{};
  Unit result = Unit::row;
};
template <class Operation>
inline constexpr OperationInfo operation_tag = {
    Operation::name,
    Operation::operands,
    {Operation::operand[0], Operation::operand[Operation::operands - 1]},
    Operation::result};

namespace detail {

/// A shape to read an operation's declarations with; function bodies are not instantiated.
inline constexpr UnitShape archetype_unit{2, 4};

template <class O>
concept operation_has_name = requires {
  { O::name } -> std::convertible_to<const char*>;
};
template <class O>
concept operation_has_operands = requires {
  { O::operand[0] } -> std::convertible_to<Unit>;
  requires O::operands == 1 || O::operands == 2;
  requires sizeof(O::operand) == O::operands * sizeof(Unit);
};
template <class O>
concept operation_has_result = requires {
  { O::result } -> std::convertible_to<Unit>;
};
template <class O>
concept operation_has_workspace = requires {
  { O::template workspace<archetype_unit> } -> std::convertible_to<Index>;
};
template <class O>
concept operation_has_forward = requires(const double* const* in, double* out) {
  O::template forward<archetype_unit>(in, out, out);
};
template <class O>
concept operation_has_backward = requires(const double* const* in, const double* adjoint,
                                          double* const* out, double* workspace) {
  O::template backward<archetype_unit>(in, adjoint, out, workspace);
};
template <class O>
concept operation_counts = requires {
  { O::template forward_operations<archetype_unit>() } -> std::convertible_to<double>;
  { O::template backward_operations<archetype_unit>() } -> std::convertible_to<double>;
};

}  // namespace detail

/// An operation on whole values of one token that elementwise arithmetic cannot say: a matrix
/// function with its derivative. A stateless struct of static members; see
/// rules/operations/gram.hpp for the smallest.
///
/// Shapes    operand[k] [S.size(Operation::operand[k])], result [S.size(Operation::result)].
/// Contract  V is any scalar (float, double, Dual<double>) or a Pack that carries the same element
///           of several tokens; `select` instead of branches on values. The result overlaps no
///           operand. `backward` overwrites the operands' adjoints and recomputes what it needs;
///           the adjoint of a square is that of its stored numbers. Workspace is uninitialised.
// clang-format off
template <class O>
concept RowOperation =
    (detail::operation_has_name<O> || unmet<"add: static constexpr const char* name = ...;">())                              //
    && (detail::operation_has_operands<O> || unmet<"add: static constexpr int operands = 1; static constexpr Unit operand[] = {Unit::row}; one or two of them">())  //
    && (detail::operation_has_result<O> || unmet<"add: static constexpr Unit result = Unit::row;">())                        //
    && (detail::operation_has_workspace<O> || unmet<"add: template <UnitShape S> static constexpr Index workspace = ...; in elements">())  //
    && (detail::operation_has_forward<O> || unmet<"add: template <UnitShape S, class V> static void forward(const V* const* operand, V* result, V* workspace)">())  //
    && (detail::operation_has_backward<O> || unmet<"add: template <UnitShape S, class V> static void backward(const V* const* operand, const V* adjoint, V* const* operand_adjoint, V* workspace)">())  //
    && (detail::operation_counts<O> || unmet<"add: template <UnitShape S> static constexpr double forward_operations(), and backward_operations()">());
// clang-format on

OPTIFORM_NAMESPACE_END
