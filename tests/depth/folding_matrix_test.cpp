// SPDX-License-Identifier: MIT
#include "folding.hpp"

#include <optiform/rules/rules.hpp>

namespace optiform::testing {

TEST_CASE_TEMPLATE("folding: Ortho, Muon, Shampoo and SOAP", R, Ortho, Muon, Shampoo, Soap) {
  // In float a layer of these rules answers a last bit of its input by hundreds of them.
  check_folding_of<FoldNetwork<R>>(5e-4);
}

}  // namespace optiform::testing
