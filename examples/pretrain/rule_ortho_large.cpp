// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_ortho(const ModelNumbers& numbers) {
  return make_model<optiform::Ortho, 2, 3>(numbers);
}
