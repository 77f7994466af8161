// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_soap(const ModelNumbers& numbers) {
  if (auto large = make_large_exact_soap(numbers)) return large;
  return make_exact_model<optiform::Soap, 0, 1>(numbers);
}
