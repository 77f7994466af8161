// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/type_list.hpp>
#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/orthogonalise.hpp>
#include <optiform/rules/operations/precondition.hpp>
#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

// Operands of other kinds are refused by `apply`, in its words.

/// The matrix G^T G of a row G seen as heads x head_dim.
template <detail::symbol G>
constexpr Square gram(const G& g) {
  return apply<Gram>(g);
}

/// A row M, seen as heads x head_dim, times the inverse root of a square.
template <class Root = CoupledInverseRoot<>, detail::symbol M, detail::symbol R>
constexpr Row precondition(const M& m, const R& r) {
  return apply<Precondition<Root>>(m, r);
}

/// A row, seen as heads x head_dim, with its singular values moved towards one.
template <class Polynomial = QuinticNewtonSchulz, detail::symbol M>
constexpr Row orthogonalise(const M& m) {
  return apply<Orthogonalise<Polynomial>>(m);
}

/// What every evaluator finds without being told.
using LibraryOperations =
    TypeList<Orthogonalise<QuinticNewtonSchulz>, Orthogonalise<PolarExpress>, Gram,
             Precondition<CoupledInverseRoot<>>, Precondition<UncoupledInverseRoot>>;

namespace detail {

/// The concept comes first: it also completes the declarations that the tag reads.
template <class Operation>
  requires RowOperation<Operation>
inline constexpr const OperationInfo* tag_of = &operation_tag<Operation>;

template <const OperationInfo* Tag, class List>
struct find_operation {
  static_assert(Tag == nullptr,
                "optiform: the rule applies an operation that it does not list; add to the rule: "
                "using Operations = TypeList<MyOperation>; [docs/write_your_own_rule.md]");
};
template <const OperationInfo* Tag, class First, class... Rest>
struct find_operation<Tag, TypeList<First, Rest...>>
    : std::conditional_t<Tag == tag_of<First>, std::type_identity<First>,
                         find_operation<Tag, TypeList<Rest...>>> {};

}  // namespace detail

/// The operation of node Id of program P.
template <class P, short Id>
using operation_of =
    typename detail::find_operation<P::graph.node[Id].operation,
                                    decltype(LibraryOperations{} + typename P::Operations{})>::type;

OPTIFORM_NAMESPACE_END
