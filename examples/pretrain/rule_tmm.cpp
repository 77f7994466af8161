// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_tmm(const ModelNumbers& numbers) {
  if (auto large = make_large_tmm(numbers)) return large;
  return make_model<optiform::TripleMomentum, 0, 1>(numbers);
}
