// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_wide_vanilla(const ModelNumbers& numbers) {
  return study_model<optiform::Vanilla, 1>(numbers);
}
