// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_large_exact_shampoo(const ModelNumbers& numbers) {
  return make_exact_model<optiform::Shampoo, 2, 3>(numbers);
}
