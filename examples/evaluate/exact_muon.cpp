// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_muon(const ModelNumbers& numbers) {
  if (auto large = make_large_exact_muon(numbers)) return large;
  return make_exact_model<optiform::Muon, 0, 1>(numbers);
}
