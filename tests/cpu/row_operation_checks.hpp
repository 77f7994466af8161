// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include <optiform/cpu/row_operations.hpp>

#include "../support/row_operations.hpp"

namespace optiform::testing {

/// Runs the kernel on tokens [first, first + rows) of a case.
template <class Operation, UnitShape S, class T>
void run(OperationCase<Operation, S, T>& c, Index first, Index rows) {
  using Kernel = RowOperationKernel<Operation, S, T>;
  // At an odd address, and not a number: workspaces need neither alignment nor a value.
  std::vector<std::byte> workspace(static_cast<std::size_t>(Kernel::workspace_bytes()) + 4,
                                   std::byte{0xff});
  const T* in[2]{};
  T* out[2]{};
  for (int k = 0; k < Operation::operands; ++k) {
    in[k] = c.in[k] + first * S.size(Operation::operand[k]);
    out[k] = c.out[k] + first * S.size(Operation::operand[k]);
  }
  const Index at = first * S.size(Operation::result);
  Kernel::forward(rows, in, c.result.data() + at, workspace.data() + 4);
  Kernel::backward(rows, in, c.adjoint.data() + at, out, workspace.data() + 4);
}

/// The kernel against the definition in double, and against itself in other calls.
template <class Operation, UnitShape S, class T>
void check_kernel(double tolerance, Index rows = 19) {
  INFO(Operation::name, " ", S.heads, " x ", S.head_dim, ", bytes: ", sizeof(T));
  Rng rng(7);
  OperationCase<Operation, S, T> whole(rng, rows), parts(whole);
  OperationCase<Operation, S> exact(whole);
  exact.forward();
  exact.backward();
  run(whole, 0, rows);
  CHECK(relative_error(whole.result, exact.result) < tolerance);
  for (int k = 0; k < Operation::operands; ++k)
    CHECK(relative_error(whole.operand_adjoint[k], exact.operand_adjoint[k]) < 20 * tolerance);
  run(parts, 0, 1);
  run(parts, 1, rows - 3);
  run(parts, rows - 2, 2);
  CHECK(parts.result == whole.result);
  for (int k = 0; k < Operation::operands; ++k)
    CHECK(parts.operand_adjoint[k] == whole.operand_adjoint[k]);
}

}  // namespace optiform::testing
