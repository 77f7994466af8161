// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>

#include "ascent_support.hpp"

namespace optiform::testing {

struct Point {
  std::int64_t iteration;
  double objective;
};

template <class R>
void check_objectives(R& run, const std::vector<Point>& points) {
  for (const Point& p : points) {
    run.until(p.iteration);
    CAPTURE(p.iteration);
    CHECK(std::fabs(run.objective() - p.objective) < 5.5e-12 * p.objective);
  }
}

/// Largest change of a state's sum of logits.
template <class R>
double drift(R& run, double sum) {
  double worst = 0;
  for (int s = 0; s < 5; ++s) {
    double now = 0;
    for (int a = 0; a < 5; ++a) now += run.on.parameters()[5 * s + a];
    worst = std::max(worst, std::fabs(now - sum));
  }
  return worst;
}

/// Whether in every state the value is above that of all actions but the best one, at the optimum.
template <class R>
bool beyond_second_best(R& run) {
  auto& critic = run.on.critic();
  const auto& now = critic.iterate(run.on.policy(), run.on.parameters());
  auto& best = critic.optimum();
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a)
      if (a != best_action[s] && now.value()[s] <= best.action_value()[5 * s + a]) return false;
  return true;
}
/// Whether in every state only the best action is better than the policy.
template <class R>
bool best_alone_rises(R& run) {
  auto& now = run.on.critic().iterate(run.on.policy(), run.on.parameters());
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a)
      if (a != best_action[s] && now.advantage()[5 * s + a] > 0) return false;
  return true;
}

}  // namespace optiform::testing
