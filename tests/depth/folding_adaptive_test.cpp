// SPDX-License-Identifier: MIT
#include "folding.hpp"

#include <optiform/rules/rules.hpp>

namespace optiform::testing {

TEST_CASE("folding: Adam, AdamW, NAdam and RMSProp") {
  SUBCASE("Adam") { check_folding_of<FoldNetwork<Adam>>(); }
  SUBCASE("AdamW") { check_folding_of<FoldNetwork<AdamW>>(); }
  SUBCASE("NAdam") { check_folding_of<FoldNetwork<NAdam>>(); }
  SUBCASE("RMSProp") { check_folding_of<FoldNetwork<RmsProp>>(); }
}

}  // namespace optiform::testing
