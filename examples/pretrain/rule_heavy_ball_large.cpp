// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_heavy_ball(const ModelNumbers& numbers) {
  return make_model<optiform::HeavyBall, 2, 3>(numbers);
}
