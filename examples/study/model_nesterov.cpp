// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_nesterov(const ModelNumbers& numbers) {
  return study_model<optiform::Nesterov>(numbers);
}
