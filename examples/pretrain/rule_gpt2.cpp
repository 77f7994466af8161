// SPDX-License-Identifier: MIT
#include "gpt2_family.hpp"
#include "rule_model.hpp"

TrainerPointer make_gpt2(const ModelNumbers& numbers) {
  if (auto large = make_large_gpt2(numbers)) return large;
  return make_model<PublishedGpt2, 0, 1>(numbers);
}
