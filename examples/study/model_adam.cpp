// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_adam(const ModelNumbers& numbers) {
  return study_model<optiform::Adam>(numbers);
}
