// SPDX-License-Identifier: MIT
#include "study_model.hpp"

TrainerPointer study_rms_prop(const ModelNumbers& numbers) {
  return study_model<optiform::RmsProp>(numbers);
}
