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
    assign(other.in(*recording_));
    return *this;
  }
  constexpr Square& operator=(const Row&) {
    blame(Fault::square_as_row);
    return *this;
  }
  constexpr Square& operator=(const Scalar&) { return *this = scalar_misused(); }

  friend constexpr Square operator+(Square a, Square b) { return a.join(b, &Graph::add); }
  friend constexpr Square operator-(Square a, Square b) { return a.join(b, &Graph::subtract); }
  friend constexpr Square operator-(Square a) { return -1.0 * a; }
  friend constexpr Square operator*(Scalar a, Square b) { return b * a; }
  friend constexpr Square operator*(Square a, Scalar b) { return a.join(b, &Graph::multiply); }
  friend constexpr Square operator/(Square a, Scalar b) { return a.join(b, &Graph::divide); }

  // Scalars are factors: whether a sum meant every element or the diagonal is not guessed.
  friend constexpr Square operator+(Square a, Scalar) { return a.scalar_misused(); }
  friend constexpr Square operator+(Scalar, Square b) { return b.scalar_misused(); }
  friend constexpr Square operator-(Square a, Scalar) { return a.scalar_misused(); }
  friend constexpr Square operator-(Scalar, Square b) { return b.scalar_misused(); }
  friend constexpr Square operator/(Scalar, Square b) { return b.scalar_misused(); }

  /// A use that only rows have, or of both together: a fault of the rule.
  constexpr Row misused() const {
    blame(Fault::square_as_row);
    return Row(recording_, recording_->now[0]);
  }

 private:
  friend struct Rule;
  friend struct OperationRecorder;
  using Symbol::Symbol;

  constexpr Square join(const Square& b, short (Graph::*op)(short, short)) const {
    return Square(recording_, (recording_->graph.*op)(id(), b.in(*recording_)));
  }
  constexpr Square join(const Scalar& b, short (Graph::*op)(short, short)) const {
    return Square(recording_, (recording_->graph.*op)(id(), b.in(*recording_)));
  }
  constexpr Square scalar_misused() const {
    blame(Fault::scalar_as_square);
    return *this;
  }
};

namespace detail {

template <class V>
concept symbol = std::same_as<V, Row> || std::same_as<V, Square> || std::same_as<V, Scalar>;
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
constexpr Row sign(const Square& a) { return a.misused(); }

/// Records row operations.
struct OperationRecorder {
  template <class Operation>
  using Result = std::conditional_t<Operation::result == Unit::row, Row, Square>;
  template <class Value>
  static constexpr bool is(Unit unit) {
    return unit == Unit::row ? std::same_as<Value, Row> : std::same_as<Value, Square>;
  }

  template <class Operation, class... Values>
  static constexpr bool takes() {
    if constexpr (sizeof...(Values) != Operation::operands) {
      return false;
    } else {
      int i = 0;
      return (is<Values>(Operation::operand[i++]) && ...);
    }
  }
  template <class Operation, class First, class... Rest>
  static constexpr Result<Operation> record(const First& first, const Rest&... rest) {
    const short id =
        first.recording_->graph.operate(&operation_tag<Operation>, first.id(), rest.id()...);
    return Result<Operation>(first.recording_, id);
  }
  template <class Operation, class... Values>
  static constexpr Result<Operation> refuse(const Values&... values) {
    Recording* r = nullptr;  // numbers have none
    ((r = r == nullptr ? values.recording_ : r), ...);
    r->blame(Fault::other_operands);
    return Result<Operation>(r, r->now[0]);
  }
};

/// The result of a row operation, which may be a rule's own; see RowOperation.
///
///   x += normalise(apply<CentreHeads>(g));
///
/// Operands of other kinds than the operation declares are a fault of the rule.
template <class Operation, detail::symbol... Values>
  requires RowOperation<Operation>
constexpr OperationRecorder::Result<Operation> apply(const Values&... values) {
  if constexpr (OperationRecorder::takes<Operation, Values...>())
    return OperationRecorder::record<Operation>(values...);
  else
    return OperationRecorder::refuse<Operation>(values...);
}

OPTIFORM_NAMESPACE_END
