// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_adamw(const ModelNumbers& numbers) {
  return study_model<optiform::AdamW>(numbers);
}
