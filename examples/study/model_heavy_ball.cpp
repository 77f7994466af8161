// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_heavy_ball(const ModelNumbers& numbers) {
  return study_model<optiform::HeavyBall>(numbers);
}
