// SPDX-License-Identifier: MIT
#include <algorithm>

#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/orthogonalise.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "../support/centre_heads.hpp"
#include "row_operation_checks.hpp"

namespace optiform::testing {

TEST_CASE("orthogonalise on sixteen tokens at a time: float and double, any number of tokens") {
  check_kernel<Orthogonalise<>, UnitShape{6, 64}, float>(1e-5);
  check_kernel<Orthogonalise<>, UnitShape{12, 64}, float>(1e-5);
  check_kernel<Orthogonalise<PolarExpress>, UnitShape{3, 16}, float>(1e-5);
  check_kernel<Orthogonalise<>, UnitShape{12, 8}, double>(1e-12);
  check_kernel<Orthogonalise<>, UnitShape{1, 9}, float>(1e-5);
}

TEST_CASE("squares of few heads' dimensions: sixteen tokens at a time") {
  check_kernel<Gram, UnitShape{12, 16}, float>(1e-6);
  check_kernel<Precondition<>, UnitShape{12, 16}, float>(1e-5);
  check_kernel<Precondition<UncoupledInverseRoot>, UnitShape{3, 8}, float>(1e-3);
  check_kernel<Precondition<>, UnitShape{3, 8}, double>(1e-12);
}

TEST_CASE("a workspace is no larger than what backward fills") {
  using Kernel = RowOperationKernel<CentreHeads, UnitShape{3, 16}, float>;
  Rng rng(7);
  OperationCase<CentreHeads, UnitShape{3, 16}, float> c(rng, 16);
  std::vector<std::byte> workspace(static_cast<std::size_t>(Kernel::workspace_bytes()),
                                   std::byte{0xff});
  Kernel::backward(16, c.in, c.adjoint.data(), c.out, workspace.data());
  const auto written = std::find_if(workspace.rbegin(), workspace.rend(),
                                    [](std::byte b) { return b != std::byte{0xff}; });
  CHECK(written - workspace.rbegin() <= register_bytes);
}

}  // namespace optiform::testing
