// SPDX-License-Identifier: MIT
#include "minimise.hpp"

namespace optiform::testing {

TEST_CASE("adaptive rules minimise every problem") {
  const Budget budget{{0.01, 0.01, 0.01, 0.01, 0.01, 0.01}, 8000, 1e-4};
  minimise_rule<Adam>("Adam", budget);
  minimise_rule<AdamW>("AdamW", budget);
  minimise_rule<NAdam>("NAdam", budget);
  minimise_rule<RmsProp>("RMSProp", budget);
  minimise_rule<Lion>("Lion", budget);
}

}  // namespace optiform::testing
