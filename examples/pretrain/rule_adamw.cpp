// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_adamw(const ModelNumbers& numbers) {
  if (auto large = make_large_adamw(numbers)) return large;
  return make_model<optiform::AdamW, 0, 1>(numbers);
}
