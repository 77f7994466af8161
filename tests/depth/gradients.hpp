// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/reference.hpp>
#include <optiform/optiform.hpp>

#include "../support/gradient_check.hpp"
#include "../support/tiny_model.hpp"

namespace optiform::testing {

/// Sizes that divide nothing: 3 heads of 5, a hidden layer of 7.
inline constexpr ModelShape odd_shape{.width = 15, .heads = 3, .hidden = 7};
/// The smallest model there is.
inline constexpr ModelShape unit_shape{.width = 1, .heads = 1, .hidden = 1};

template <class R, DepthOptions Options = DepthOptions{}>
using OddModel = LanguageModel<odd_shape, TransformerLayer<R, CausalAttention, Mlp<Gelu>, Options>>;

/// Every gradient of a whole model against central differences of its loss.
template <class Model>
void check_model_gradients(std::uint64_t seed = 1, double tolerance = 1e-6, double step = 1e-3) {
  TinyModel<Model, Reference, double> tiny(2, seed);
  tiny.loss_and_gradients();
  std::vector<GradientBlock> blocks;
  for (const auto& p : tiny.model.parameters().entries())
    blocks.push_back(
        {p.name, tiny.values.data() + p.offset, tiny.gradients.data() + p.offset, p.size});
  const auto loss = [&] {
    return tiny.model.loss(tiny.run, tiny.values.data(), tiny.workspace, tiny.tokens.data(),
                           tiny.targets.data());
  };
  const auto result =
      check_gradients(loss, blocks, {.step = step, .coordinates = 10, .seed = seed});
  INFO("worst: ", result.worst);
  CHECK(result.error <= tolerance);
}

}  // namespace optiform::testing
