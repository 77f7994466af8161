// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_shampoo(const ModelNumbers& numbers) {
  if (auto large = make_large_exact_shampoo(numbers)) return large;
  return make_exact_model<optiform::Shampoo, 0, 1>(numbers);
}
