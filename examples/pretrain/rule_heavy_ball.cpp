// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_heavy_ball(const ModelNumbers& numbers) {
  if (auto large = make_large_heavy_ball(numbers)) return large;
  return make_model<optiform::HeavyBall, 0, 1>(numbers);
}
