// SPDX-License-Identifier: MIT
#include "inverse_roots.hpp"

namespace optiform::testing {

TEST_CASE("inverse roots against an eigendecomposition, up to a condition number of 1e5") {
  check_roots<16>();
  check_roots<64>();
}

TEST_CASE("inverse roots in float of squares as large as floats can be") {
  const Eigen::VectorXd e = spectrum(Spectrum::even, 64, 1e2),
                        few = spectrum(Spectrum::even, 16, 1e2);
  for (const double scale : {1e-3, 1e6, 1e12, 1e30}) {
    INFO("scale ", scale);
    CHECK(root_error<64, float>(scale * e) < 1e-4);
    CHECK(root_error<16, float>(scale * few) < 1e-4);
  }
}

}  // namespace optiform::testing
