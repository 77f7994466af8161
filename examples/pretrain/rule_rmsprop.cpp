// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_rmsprop(const ModelNumbers& numbers) {
  if (auto large = make_large_rmsprop(numbers)) return large;
  return make_model<optiform::RmsProp, 0, 1>(numbers);
}
