// SPDX-License-Identifier: MIT
#pragma once

#include "../pretrain/rule_model.hpp"
#include "presets.hpp"

/// The network of a rule in one of the study's shapes; null if the numbers' shape is another.
template <class Rule, int Shape = 0, optiform::DepthOptions Depth = {}>
TrainerPointer study_model(const ModelNumbers& numbers) {
  constexpr optiform::ModelShape shape = study_presets[Shape].shape;
  if (numbers.shape != shape) return nullptr;
  return make_network<typename Family<Rule, Depth>::template Network<shape>>(numbers);
}
