// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_large_exact_soap(const ModelNumbers& numbers) {
  return make_exact_model<optiform::Soap, 2, 3>(numbers);
}
