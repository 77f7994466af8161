// SPDX-License-Identifier: MIT
// Neural PPO-Clip on the process of five states.
#pragma once

#include <cmath>
#include <cstdint>

#include <optiform/policy/neural_ppo_clip.hpp>

#include "support.hpp"

namespace optiform::testing {

template <class Classifier, class Critic = ExactCritic, int Width = 128,
          class Environment = FiveStates, class Backend = Cpu>
using Neural = typename NeuralPpoClip<Classifier, Critic>::template on<EnergyNetwork<Width>,
                                                                       Environment, Backend>;

/// Steps, temperatures and K = 5 inner steps of the theory; the fit as a test wants it.
template <class Algorithm>
typename Algorithm::Options neural_options(int iterations, std::int64_t samples, double scale) {
  typename Algorithm::Options options;
  options.surrogate.epsilon = 0.3;
  options.improvement = RegressionStep<>::Options::theory(iterations, 0.5, 5);
  options.improvement.fit = {.samples = samples, .step_scale = scale, .radius = 20};
  return options;
}

}  // namespace optiform::testing
