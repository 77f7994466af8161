// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_nesterov(const ModelNumbers& numbers) {
  if (auto large = make_large_nesterov(numbers)) return large;
  return make_model<optiform::Nesterov, 0, 1>(numbers);
}
