// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_nesterov(const ModelNumbers& numbers) {
  return make_model<optiform::Nesterov, 2, 3>(numbers);
}
