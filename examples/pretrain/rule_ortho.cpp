// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_ortho(const ModelNumbers& numbers) {
  if (auto large = make_large_ortho(numbers)) return large;
  return make_model<optiform::Ortho, 0, 1>(numbers);
}
