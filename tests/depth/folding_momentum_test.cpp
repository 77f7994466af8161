// SPDX-License-Identifier: MIT
#include "folding.hpp"

namespace optiform::testing {

TEST_CASE("folding: triple momentum, whose mu may exceed one then") {
  check_folding_of<FoldNetwork<TripleMomentum>>();
  TinyModel<FoldNetwork<TripleMomentum>, Reference, double> tiny;
  tiny.set_raw("nu", -3);  // the next mu is multiplied by about 20
  tiny.set_raw("mu", 2);
  const auto folded = fold(tiny.model, tiny.values.data());
  const double raw = folded.values[folded.model.parameters().find("layers.1.mu_attn_raw")->offset];
  CHECK(softplus(raw) == doctest::Approx(sigmoid(2.0) / softplus(-3.0)).epsilon(1e-12));
  CHECK(softplus(raw) > 15);
}

TEST_CASE("folding: Nesterov and heavy ball") {
  check_folding_of<FoldNetwork<Nesterov>>();
  check_folding_of<FoldNetwork<HeavyBall>>();
}

TEST_CASE("folding: gradient descent has nothing to fold") {
  using Network = FoldNetwork<GradientDescent>;
  static_assert(std::is_same_v<Folded<Network>, Network>);
  check_folding<Network, Reference, double>(1e-15);
}

}  // namespace optiform::testing
