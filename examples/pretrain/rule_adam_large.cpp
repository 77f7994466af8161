// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_adam(const ModelNumbers& numbers) {
  return make_model<optiform::Adam, 2, 3>(numbers);
}
