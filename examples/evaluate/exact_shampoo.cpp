// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_shampoo(const ModelNumbers& numbers) {
  return make_exact_model<optiform::Shampoo>(numbers);
}
