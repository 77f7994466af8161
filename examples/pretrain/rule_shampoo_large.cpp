// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_shampoo(const ModelNumbers& numbers) {
  return make_model<optiform::Shampoo, 2, 3>(numbers);
}
