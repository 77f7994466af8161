// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <type_traits>

#include "../support/gradient_check.hpp"
#include "ascent_support.hpp"

namespace optiform::testing {

/// Compares the gradient at some logits with central differences of the objective, along directions
/// in which a policy stays one.
template <class Policy, class Backend>
void check_gradient(const std::vector<double>& logits) {
  const TabularMdp<> mdp = five_state_mdp();
  Run<PlainGradient, 5, 5, Policy, Backend> run(mdp, {.improvement = policy_gradient_options(mdp)},
                                                logits);
  double* const x = run.on.parameters();
  const std::vector<double> start(x, x + 25);
  run.step();
  const double* const gradient = run.on.improvement().gradient();

  // Along a logit, or along a probability that another one of the state gives.
  std::vector<double> along(25, 0), claimed(25);
  for (std::size_t i = 0; i < 25; ++i) {
    const std::size_t other = 5 * (i / 5) + (i + 1) % 5;
    claimed[i] = std::is_same_v<Policy, SoftmaxTable> ? gradient[i] : gradient[i] - gradient[other];
  }
  const auto objective = [&] {
    for (std::size_t i = 0; i < 25; ++i) x[i] = start[i];
    for (std::size_t i = 0; i < 25; ++i) {
      const std::size_t other = 5 * (i / 5) + (i + 1) % 5;
      x[i] += along[i];
      if (!std::is_same_v<Policy, SoftmaxTable>) x[other] -= along[i];
    }
    run.on.critic().forget();
    return run.objective();
  };
  const auto result =
      check_gradients(objective, {{"parameters", along.data(), claimed.data(), 25}}, {});
  CHECK(result.error < 1e-8);
}

}  // namespace optiform::testing
