// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_muon(const ModelNumbers& numbers) {
  return make_model<optiform::Muon, 2, 3>(numbers);
}
