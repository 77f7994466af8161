// SPDX-License-Identifier: MIT
#include "gpt2_family.hpp"
#include "rule_model.hpp"

TrainerPointer make_large_gpt2(const ModelNumbers& numbers) {
  return make_model<PublishedGpt2, 2, 3>(numbers);
}
