// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_ortho(const ModelNumbers& numbers) {
  return study_model<optiform::Ortho>(numbers);
}
