// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_wide_vanilla(const ModelNumbers& numbers);

TrainerPointer study_vanilla(const ModelNumbers& numbers) {
  if (auto wide = study_wide_vanilla(numbers)) return wide;
  return study_model<optiform::Vanilla>(numbers);
}
