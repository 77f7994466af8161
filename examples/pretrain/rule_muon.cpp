// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_muon(const ModelNumbers& numbers) {
  if (auto large = make_large_muon(numbers)) return large;
  return make_model<optiform::Muon, 0, 1>(numbers);
}
