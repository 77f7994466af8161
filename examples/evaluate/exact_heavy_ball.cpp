// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_heavy_ball(const ModelNumbers& numbers) {
  return make_exact_model<optiform::HeavyBall>(numbers);
}
