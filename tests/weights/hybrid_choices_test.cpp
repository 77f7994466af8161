// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include <optiform/cpu/orthonormal_basis.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {

TEST_CASE("a hybrid takes any optimizer for either part, and names its streams apart") {
  using Two = HybridOptimizer<WeightOptimizer<Lion>, WeightOptimizer<AdamW>>;
  using Same = HybridOptimizer<SoapOptimizer, WeightOptimizer<AdamW>>;
  Weights<Two, Cpu, float> two(table_of_all_roles());
  Weights<Same, Cpu, float> same(table_of_all_roles());
  const auto names = [](auto& w) {
    std::string all;
    for (const auto& stream : w.optimizer.streams()) all += stream.name + " ";
    return all;
  };
  CHECK(names(two) == "first_moment second_moment momentum ");
  CHECK(
      names(same) ==
      "first_moment second_moment matrices.first_moment matrices.second_moment covariance basis ");
  CHECK(Weights<Same, Cpu, float>::On::Options().matrices.learning_rate_factor ==
        doctest::Approx(3e-3 / 6e-4));
}

}  // namespace optiform::testing
