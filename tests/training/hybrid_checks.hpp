// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "evaluation_model.hpp"

namespace evaluated {

/// One batch of the model's text.
struct Batch {
  std::vector<std::int32_t> text = evaluated::text();
  TokenBatches data = evaluated::batches(text, 1);
  const std::int32_t* tokens = data.tokens.data();
  const std::int32_t* targets = data.targets.data();
};

template <class Rule, class Backend, class T>
void check_hybrids() {
  const Batch b;
  auto trainer = evaluated::trainer<Rule, Backend, T>(3);
  const auto inspector = trainer->inspector();
  const double loss = trainer->evaluate(evaluated::batch, b.tokens, b.targets);
  const auto hybrid = [&](const LayerChoice& chosen) {
    return inspector->loss(evaluated::batch, b.tokens, b.targets, chosen);
  };
  CHECK(hybrid(LayerChoice(3).add(0, 2)) == loss);

  // None of them: a plain Transformer with the same matrices.
  auto plain = evaluated::trainer<GradientDescent, Backend, T>(3);
  const auto from = trainer->state()[0], to = plain->state()[0];
  for (const auto& p : plain->parameters().entries()) {
    const auto* source = trainer->parameters().find(p.name);
    REQUIRE(source != nullptr);
    std::copy_n(static_cast<const T*>(from.data) + source->offset, p.size,
                static_cast<T*>(to.data) + p.offset);
  }
  const double plainly = plain->evaluate(evaluated::batch, b.tokens, b.targets);
  CHECK(hybrid(LayerChoice(3)) == doctest::Approx(plainly).epsilon(1e-6));
  CHECK(std::fabs(plainly - loss) > 1e-3);

  // Every mixture is a model of its own.
  std::vector<double> losses;
  for (int set = 0; set < 8; ++set) {
    LayerChoice chosen(3);
    for (Index l = 0; l < 3; ++l)
      if ((set >> l & 1) != 0) chosen.add(l, l);
    losses.push_back(hybrid(chosen));
  }
  std::sort(losses.begin(), losses.end());
  CHECK(std::adjacent_find(losses.begin(), losses.end()) == losses.end());
}

}  // namespace evaluated
