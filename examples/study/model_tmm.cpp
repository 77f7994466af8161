// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_tmm(const ModelNumbers& numbers) {
  return study_model<optiform::TripleMomentum>(numbers);
}
