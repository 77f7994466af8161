// SPDX-License-Identifier: MIT
#include "../pretrain/gpt2_family.hpp"
#include "exact_model_of.hpp"

ExactPointer make_exact_gpt2(const ModelNumbers& numbers) {
  return make_exact_model<PublishedGpt2>(numbers);
}
