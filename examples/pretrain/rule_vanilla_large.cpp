// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_vanilla(const ModelNumbers& numbers) {
  return make_model<optiform::GradientDescent, 2, 3>(numbers);
}
