// SPDX-License-Identifier: MIT
#include "exact_model_of.hpp"

ExactPointer make_exact_soap(const ModelNumbers& numbers) {
  return make_exact_model<optiform::Soap>(numbers);
}
