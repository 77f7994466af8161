// SPDX-License-Identifier: MIT
#include "inverse_roots.hpp"

namespace optiform::testing {

TEST_CASE("inverse roots against an eigendecomposition: squares of many dimensions") {
  check_roots<128>();
  check_roots<192>();
}

}  // namespace optiform::testing
