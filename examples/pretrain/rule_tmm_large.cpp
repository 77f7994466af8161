// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_tmm(const ModelNumbers& numbers) {
  return make_model<optiform::TripleMomentum, 2, 3>(numbers);
}
