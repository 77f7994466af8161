// SPDX-License-Identifier: MIT
#include "minimise.hpp"

namespace optiform::testing {

TEST_CASE("gradient descent and momentum minimise every problem") {
  minimise_rule<GradientDescent>("gradient descent",
                                 {{0.5, 0.018, 1.9e-4, 1e-3, 1, 0.1}, 8000, 0.03});
  minimise_rule<HeavyBall>("heavy ball", {{0.2, 0.01, 1e-4, 2e-4, 0.3, 0.02}, 8000, 2e-3});
  minimise_rule<NesterovSgd>("Nesterov, SGD's", {{0.2, 0.01, 1e-4, 2e-4, 0.3, 0.02}, 8000, 2e-3});
  minimise_rule<Nesterov>("Nesterov", {{0.2, 0.01, 1e-4, 2e-4, 0.3, 0.02}, 8000, 2e-3});
  minimise_rule<TripleMomentum>("triple momentum", {{0.2, 0.01, 1e-4, 2e-4, 0.3, 0.02}, 8000, 2e-3},
                                {{"mu", 0.5}, {"beta", 0.9}});
  const auto momentum = CoefficientSchedule::momentum();
  minimise_rule<Nesterov>("Nesterov, (t - 1) / (t + 2)",
                          {{0.2, 0.01, 1e-4, 2e-4, 0.3, 0.02}, 8000, 2e-3},
                          {{"mu", momentum}, {"beta", momentum}});
}

}  // namespace optiform::testing
