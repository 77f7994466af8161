// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "boundary_loops.hpp"

namespace optiform::testing {

TEST_CASE("SOAP with the default root is near the published one where that one has converged") {
  using Default = RuleCase<Soap, scalar_rules::Soap>;
  CHECK(distance_to_loops<Default, Reference, double, 15, 3>(5, 15, 5) < 1e-3);
  CHECK(distance_to_loops<Default, Cpu, float, 15, 3>(19, 15, 5) < 1e-3);
}

}  // namespace optiform::testing
