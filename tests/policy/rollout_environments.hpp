// SPDX-License-Identifier: MIT
#pragma once

// Environments for tests: the smallest one, one whose values are known, and one with real actions.
#include <array>

#include <optiform/environments/concept.hpp>

namespace optiform::testing {

/// The archetype: the least that models Environment.
struct SmallestEnvironment {
  using environment_concept = environment_tag;
  using ActionSpace = Discrete<2>;
  static constexpr int observation_size = 1;

  void reset(Rng&) {}
  Outcome step(int action) { return {.reward = action == 1 ? 1.0 : 0.0, .terminated = true}; }
  template <class T>
  void observe(T* observation) const {
    observation[0] = T(1);
  }
};

/// Counts down from a drawn number between 3 and 7: an even start is terminated at zero, an odd one
/// truncated. The reward is the number left.
struct Countdown {
  using environment_concept = environment_tag;
  using ActionSpace = Discrete<3>;
  static constexpr int observation_size = 2;
  static constexpr int copies_per_task = 2;

  void reset(Rng& rng) { left = start = 3 + static_cast<int>(rng.below(5)); }
  Outcome step(int) {
    --left;
    const bool over = left == 0, even = start % 2 == 0;
    return {.reward = static_cast<double>(left), .terminated = over && even, .truncated = over};
  }
  template <class T>
  void observe(T* observation) const {
    observation[0] = static_cast<T>(left) * T(0.25);
    observation[1] = static_cast<T>(start) * T(0.125);
  }

  int start = 0, left = 0;
};

/// Say the two numbers you are shown; the reward is minus the squared distance.
struct Echo {
  using environment_concept = environment_tag;
  using ActionSpace = Continuous<2>;
  static constexpr int observation_size = 2;

  void reset(Rng& rng) {
    for (double& number : shown) number = rng.uniform(-1, 1);
    steps = 0;
  }
  Outcome step(const std::array<double, 2>& said, Rng& rng) {
    double reward = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const double error = said[i] - shown[i];
      reward -= error * error;
      shown[i] = rng.uniform(-1, 1);
    }
    return {.reward = reward, .terminated = false, .truncated = ++steps == 10};
  }
  template <class T>
  void observe(T* observation) const {
    for (std::size_t i = 0; i < 2; ++i) observation[i] = static_cast<T>(shown[i]);
  }

  std::array<double, 2> shown{};
  int steps = 0;
};

}  // namespace optiform::testing
