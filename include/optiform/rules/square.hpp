// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <optiform/rules/symbols.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A symbolic symmetric head_dim x head_dim matrix per token: a covariance, what an operation made,
/// or a linear combination of those.
///
/// Contract  never a row: where one is meant, a fault of the rule is reported.
class Square : public Symbol {
 public:
  constexpr Square(const Square& other) = default;
  constexpr Square& operator=(const Square& other) {
    assign(other.id());
    return *this;
  }
  constexpr Square& operator=(const Row&) {
    blame(Fault::square_as_row);
    return *this;
  }
  constexpr Square& operator=(const Scalar&) {
    blame(Fault::square_as_row);
    return *this;
  }

  friend constexpr Square operator+(Square a, Square b) { return a.join(b.id_, &Graph::add); }
  friend constexpr Square operator-(Square a, Square b) { return a.join(b.id_, &Graph::subtract); }
  friend constexpr Square operator-(Square a) { return -1.0 * a; }
  friend constexpr Square operator*(Scalar a, Square b) { return b * a; }
  friend constexpr Square operator*(Square a, Scalar b) { return a.join(b, &Graph::multiply); }
  friend constexpr Square operator/(Square a, Scalar b) { return a.join(b, &Graph::divide); }

  constexpr Square& operator+=(const Square& b) { return *this = *this + b; }
  constexpr Square& operator-=(const Square& b) { return *this = *this - b; }
  constexpr Square& operator*=(const Scalar& b) { return *this = *this * b; }
  constexpr Square& operator/=(const Scalar& b) { return *this = *this / b; }

  /// A use that only rows have, or of both together: a fault of the rule.
  constexpr Row misused() const {
    blame(Fault::square_as_row);
    return Row(recording_, recording_->now[0]);
  }

 private:
  friend struct Rule;
  friend struct Applied;
  using Symbol::Symbol;

  constexpr Square join(short b, short (Graph::*op)(short, short)) const {
    return Square(recording_, (recording_->graph.*op)(id(), b));
  }
  constexpr Square join(const Scalar& b, short (Graph::*op)(short, short)) const {
    return join(b.in(*recording_), op);
  }
};

namespace detail {

template <class A, class B>
concept row_and_square = (std::same_as<A, Row> && std::same_as<B, Square>) ||
                         (std::same_as<A, Square> && std::same_as<B, Row>);
template <class A, class B>
concept squares = std::same_as<A, Square> && std::same_as<B, Square>;

constexpr Row misused(const Square& a, const auto&) { return a.misused(); }
constexpr Row misused(const Row&, const Square& b) { return b.misused(); }

}  // namespace detail

// What has no meaning is declared, so that it is reported as a fault of the rule in one sentence.
// clang-format off
template <class A, class B> requires detail::row_and_square<A, B>
constexpr Row operator+(const A& a, const B& b) { return detail::misused(a, b); }
template <class A, class B> requires detail::row_and_square<A, B>
constexpr Row operator-(const A& a, const B& b) { return detail::misused(a, b); }
template <class A, class B> requires (detail::row_and_square<A, B> || detail::squares<A, B>)
constexpr Row operator*(const A& a, const B& b) { return detail::misused(a, b); }
template <class A, class B> requires (detail::row_and_square<A, B> || detail::squares<A, B>)
constexpr Row operator/(const A& a, const B& b) { return detail::misused(a, b); }
// clang-format on
constexpr Row normalise(const Square& a) { return a.misused(); }
constexpr Row debias(const Square& a, const Scalar&) { return a.misused(); }
constexpr Row square(const Square& a) { return a.misused(); }
constexpr Row sqrt(const Square& a) { return a.misused(); }

/// Records row operations.
struct Applied {
  template <class Operation>
  using Result = std::conditional_t<Operation::result == Unit::row, Row, Square>;
  template <class Value>
  static constexpr Unit unit = std::same_as<Value, Square> ? Unit::square : Unit::row;

  template <class Operation, class... Values>
  static constexpr bool takes() {
    if constexpr (sizeof...(Values) != Operation::operands) {
      return false;
    } else {
      int i = 0;
      return ((unit<Values> == Operation::operand[i++]) && ...);
    }
  }
  template <class Operation, class First, class... Rest>
  static constexpr Result<Operation> record(const First& first, const Rest&... rest) {
    const short id =
        first.recording_->graph.operate(&operation_tag<Operation>, first.id(), rest.id()...);
    return Result<Operation>(first.recording_, id);
  }
};

/// The result of a row operation, which may be a rule's own; see RowOperation.
///
///   x += normalise(apply<CentreHeads>(g));
template <class Operation, class... Values>
  requires RowOperation<Operation>
constexpr Applied::Result<Operation> apply(const Values&... values) {
  static_assert(Applied::takes<Operation, Values...>(),
                "optiform: apply - the operation takes other operands; give it what it declares as "
                "static constexpr Unit operand[], a Row for Unit::row, a Square for Unit::square");
  return Applied::record<Operation>(values...);
}

OPTIFORM_NAMESPACE_END
