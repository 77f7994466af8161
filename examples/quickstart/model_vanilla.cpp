// SPDX-License-Identifier: MIT
#include "../pretrain/rule_model.hpp"

TrainerPointer quickstart_vanilla(const ModelNumbers& numbers) {
  return make_model<optiform::GradientDescent, 0, 1>(numbers);
}
