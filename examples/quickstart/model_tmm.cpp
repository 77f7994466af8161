// SPDX-License-Identifier: MIT
#include "../pretrain/rule_model.hpp"

TrainerPointer quickstart_tmm(const ModelNumbers& numbers) {
  return make_model<optiform::TripleMomentum, 0, 1>(numbers);
}
