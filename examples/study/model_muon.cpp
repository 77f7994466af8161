// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_muon(const ModelNumbers& numbers) {
  return study_model<optiform::Muon>(numbers);
}
