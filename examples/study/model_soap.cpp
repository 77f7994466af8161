// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_soap(const ModelNumbers& numbers) {
  return study_model<optiform::Soap>(numbers);
}
