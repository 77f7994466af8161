// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

#include "family.hpp"
#include "models.hpp"

/// A network whose layers are steps of `Rule`. What trains its weights is a run-time choice, so
/// that one compiled model serves all. The presets from `First` to `Last` are compiled here; null
/// if the numbers' shape is none of them.
template <class Rule, int First, int Last>
TrainerPointer make_model(const ModelNumbers& numbers) {
  using namespace optiform;
  if constexpr (First > Last) {
    return nullptr;
  } else {
    constexpr ModelShape shape = presets[First].shape;
    if (numbers.shape != shape) return make_model<Rule, First + 1, Last>(numbers);
    using Recipe = Trainer<typename Family<Rule>::template Network<shape>,
                           SharpnessAware<ChosenOptimizer>>;
    using Chosen = typename Recipe::template on<Cpu, float>;
    const typename Chosen::optimizer_type::Options optimizer{numbers.optimizer, numbers.sharpness};
    return std::make_unique<Chosen>(LanguageModelOptions{.vocabulary = numbers.vocabulary,
                                                         .context = numbers.context,
                                                         .layers = {numbers.layers},
                                                         .recompute = numbers.recompute},
                                    optimizer, numbers.trainer);
  }
}
