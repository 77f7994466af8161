// SPDX-License-Identifier: MIT
#include <optiform/cpu/orthonormal_basis.hpp>

#include "minimise.hpp"

namespace optiform::testing {

TEST_CASE("matrix optimizers minimise every problem") {
  minimise<MuonOptimizer<>>("Muon", {}, {{0.01, 0.01, 0.01, 0.01, 0.01, 0.01}, 8000, 1e-3});
  minimise<SoapOptimizer>("SOAP", SoapOptions{.weight_decay = 0},
                          {{0.01, 0.01, 0.01, 0.01, 0.01, 0.01}, 8000, 1e-3});
  minimise<ShampooOptimizer>("Shampoo", ShampooOptions{.interval = 1},
                             {{0.3, 0.3, 0.3, 0.3, 0.3, 0.3}, 8000, 5e-3});
}

}  // namespace optiform::testing
