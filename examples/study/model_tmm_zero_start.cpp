// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_tmm_zero_start(const ModelNumbers& numbers) {
  return study_model<optiform::TripleMomentum, 0, {.start = optiform::StreamStart::zeros}>(numbers);
}
