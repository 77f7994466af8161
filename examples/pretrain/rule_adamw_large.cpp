// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_adamw(const ModelNumbers& numbers) {
  return make_model<optiform::AdamW, 2, 3>(numbers);
}
