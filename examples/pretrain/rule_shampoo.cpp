// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_shampoo(const ModelNumbers& numbers) {
  if (auto large = make_large_shampoo(numbers)) return large;
  return make_model<optiform::Shampoo, 0, 1>(numbers);
}
