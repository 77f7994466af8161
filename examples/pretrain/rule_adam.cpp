// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_adam(const ModelNumbers& numbers) {
  if (auto large = make_large_adam(numbers)) return large;
  return make_model<optiform::Adam, 0, 1>(numbers);
}
