// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <vector>

#include <optiform/rules/operation.hpp>

#include "random_data.hpp"

namespace optiform::testing {

/// Values of `rows` tokens. A square is positive definite: a multiple of the identity and fewer
/// random rows than it has, so that an eigenvalue is repeated.
template <UnitShape S>
std::vector<double> random_units(Rng& rng, Unit unit, Index rows) {
  if (unit == Unit::row) return normal(rng, rows * S.size(unit));
  constexpr int n = S.head_dim;
  std::vector<double> values;
  for (Index row = 0; row < rows; ++row) {
    const int rank = n / 2 < 3 ? n / 2 : 3;
    const auto g = normal(rng, rank * n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j) {
        double sum = i == j ? 0.2 : 0;
        for (int r = 0; r < rank; ++r)
          sum += g[static_cast<std::size_t>(r * n + i)] * g[static_cast<std::size_t>(r * n + j)];
        values.push_back(sum);
      }
  }
  return values;
}

/// The operands of a row operation for some tokens, the result's adjoint, and room for what comes
/// of them; V is a scalar.
template <class Operation, UnitShape S, class V = double>
struct OperationCase {
  std::vector<V> operand[2], operand_adjoint[2], adjoint, result;
  const V* in[2]{};
  V* out[2]{};
  Index rows = 0;

  OperationCase(Rng& rng, Index row_count) : rows(row_count) {
    for (int k = 0; k < Operation::operands; ++k)
      operand[k] = cast<V>(random_units<S>(rng, Operation::operand[k], rows));
    adjoint = cast<V>(normal(rng, rows * S.size(Operation::result)));
    reset();
  }
  /// The same numbers, perhaps as another scalar.
  template <class U>
  explicit OperationCase(const OperationCase<Operation, S, U>& other) {
    take(other);
  }
  OperationCase(const OperationCase& other) { take(other); }

  void reset() {
    result.assign(adjoint.size(), V(NAN));
    for (int k = 0; k < Operation::operands; ++k) {
      operand_adjoint[k].assign(operand[k].size(), V(NAN));
      in[k] = operand[k].data();
      out[k] = operand_adjoint[k].data();
    }
  }

  /// The definition, token by token.
  void forward() {
    for (Index row = 0; row < rows; ++row) {
      const V* at[2]{};
      place(row, in, at);
      fresh();
      Operation::template forward<S>(at, result.data() + row * S.size(Operation::result),
                                     workspace.data());
    }
  }
  void backward() {
    for (Index row = 0; row < rows; ++row) {
      const V* at[2]{};
      V* to[2]{};
      place(row, in, at);
      place(row, out, to);
      fresh();
      Operation::template backward<S>(at, adjoint.data() + row * S.size(Operation::result), to,
                                      workspace.data());
    }
  }

 private:
  template <class U>
  void take(const OperationCase<Operation, S, U>& other) {
    rows = other.rows;
    for (int k = 0; k < Operation::operands; ++k) operand[k] = cast<V>(other.operand[k]);
    adjoint = cast<V>(other.adjoint);
    reset();
  }
  template <class P>
  static void place(Index row, const P* from, P* to) {
    for (int k = 0; k < Operation::operands; ++k)
      to[k] = from[k] + row * S.size(Operation::operand[k]);
  }
  void fresh() {
    workspace.assign(static_cast<std::size_t>(Operation::template workspace<S>) + 1, V(NAN));
  }
  std::vector<V> workspace;
};

}  // namespace optiform::testing
