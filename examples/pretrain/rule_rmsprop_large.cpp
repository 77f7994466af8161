// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_rmsprop(const ModelNumbers& numbers) {
  return make_model<optiform::RmsProp, 2, 3>(numbers);
}
