// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_soap(const ModelNumbers& numbers) {
  if (auto large = make_large_soap(numbers)) return large;
  return make_model<optiform::Soap, 0, 1>(numbers);
}
