// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_ortho(const ModelNumbers& numbers) {
  if (auto large = make_large_exact_ortho(numbers)) return large;
  return make_exact_model<optiform::Ortho, 0, 1>(numbers);
}
