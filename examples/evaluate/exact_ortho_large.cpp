// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_large_exact_ortho(const ModelNumbers& numbers) {
  return make_exact_model<optiform::Ortho, 2, 3>(numbers);
}
