// SPDX-License-Identifier: MIT
// Dual numbers through the whole optimizer: exact directional derivatives.
#include <doctest/doctest.h>

#include "../support/random_data.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("on dual numbers the objective's derivative is the gradient along the direction") {
  Rng rng(8);
  const auto logits = normal(rng, 25), direction = normal(rng, 25);
  Run<PlainGradient, 5, 5, SoftmaxTable, Reference, Dual<double>> dual(
      mdp, {.improvement = policy_gradient_options(mdp)}, logits);
  Run<PlainGradient, 5, 5, SoftmaxTable, Reference> plain(
      mdp, {.improvement = policy_gradient_options(mdp)}, logits);
  for (int i = 0; i < 25; ++i)
    dual.on.parameters()[i].derivative = direction[static_cast<std::size_t>(i)];
  dual.on.critic().forget();
  const Dual<double> objective = dual.objective();
  plain.step();
  const double* const gradient = plain.on.improvement().gradient();
  double along = 0;
  for (int i = 0; i < 25; ++i) along += gradient[i] * direction[static_cast<std::size_t>(i)];
  CHECK(std::fabs(objective.derivative - along) < 1e-13);

  // One more derivative: the gradient's own, against differences of gradients.
  dual.step();
  constexpr double h = 1e-5;
  std::vector<double> difference(25, 0);
  for (const double sign : {1.0, -1.0}) {
    auto moved = logits;
    for (std::size_t i = 0; i < 25; ++i) moved[i] += sign * h * direction[i];
    plain.on.start_from(moved.data());
    plain.step();
    for (std::size_t i = 0; i < 25; ++i)
      difference[i] += sign * plain.on.improvement().gradient()[i] / (2 * h);
  }
  for (std::size_t i = 0; i < 25; ++i)
    CHECK(std::fabs(dual.on.improvement().gradient()[i].derivative - difference[i]) < 1e-8);
}
