// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_vanilla(const ModelNumbers& numbers) {
  if (auto large = make_large_vanilla(numbers)) return large;
  return make_model<optiform::GradientDescent, 0, 1>(numbers);
}
