// SPDX-License-Identifier: MIT
#include "folding.hpp"

#include <optiform/rules/rules.hpp>

namespace optiform::testing {

TEST_CASE_TEMPLATE("folding: Ortho, Muon, Shampoo and SOAP", R, Ortho, Muon, Shampoo, Soap) {
  check_folding_of<FoldNetwork<R>>();
}

}  // namespace optiform::testing
