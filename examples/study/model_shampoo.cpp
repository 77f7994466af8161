// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_shampoo(const ModelNumbers& numbers) {
  return study_model<optiform::Shampoo>(numbers);
}
