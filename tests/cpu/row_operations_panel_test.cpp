// SPDX-License-Identifier: MIT
#include <optiform/rules/operations/gram.hpp>
#include <optiform/rules/operations/precondition.hpp>

#include "row_operation_checks.hpp"

namespace optiform::testing {

TEST_CASE("squares of many dimensions: one token at a time") {
  check_kernel<Gram, UnitShape{6, 64}, float>(1e-6, 5);
  check_kernel<Precondition<>, UnitShape{6, 64}, float>(1e-4, 5);
  check_kernel<Precondition<>, UnitShape{3, 32}, double>(1e-12, 5);
  check_kernel<Precondition<UncoupledInverseRoot>, UnitShape{11, 32}, double>(1e-9, 5);
}

}  // namespace optiform::testing
