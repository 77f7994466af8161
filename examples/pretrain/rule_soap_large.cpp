// SPDX-License-Identifier: MIT
#include "rule_model.hpp"

TrainerPointer make_large_soap(const ModelNumbers& numbers) {
  return make_model<optiform::Soap, 2, 3>(numbers);
}
