// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/dual_cpu.hpp>

#include "../pretrain/family.hpp"
#include "exact_models.hpp"

/// The model of a rule in the numbers' shape, in dual numbers; null if no preset has that shape.
template <class Rule, std::size_t Preset = 0>
ExactPointer make_exact_model(const ModelNumbers& numbers) {
  using namespace optiform;
  if constexpr (Preset == std::size(presets)) {
    return nullptr;
  } else {
    constexpr ModelShape shape = presets[Preset].shape;
    if (numbers.shape != shape) return make_exact_model<Rule, Preset + 1>(numbers);
    using Model = typename Family<Rule>::template Network<shape>;
    return std::make_unique<typename ExactModel<Model>::template on<DualCpu>>(
        LanguageModelOptions{.vocabulary = numbers.vocabulary,
                             .context = numbers.context,
                             .layers = {numbers.layers}},
        numbers.trainer.threads);
  }
}
