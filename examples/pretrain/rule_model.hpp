// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

#include "family.hpp"
#include "models.hpp"

/// A network; what trains its weights is a run-time choice, so that one compiled model serves all.
template <class Network>
TrainerPointer make_network(const ModelNumbers& numbers) {
  using namespace optiform;
  using Recipe = Trainer<Network, SharpnessAware<ChosenOptimizer>>;
  using Chosen = typename Recipe::template on<Cpu, float>;
  const typename Chosen::optimizer_type::Options optimizer{numbers.optimizer, numbers.sharpness};
  return std::make_unique<Chosen>(LanguageModelOptions{.vocabulary = numbers.vocabulary,
                                                       .context = numbers.context,
                                                       .layers = {numbers.layers},
                                                       .recompute = numbers.recompute},
                                  optimizer, numbers.trainer);
}

/// The network of `Rule` in the shape of the numbers. The presets from `First` to `Last` are
/// compiled here; null if that shape is none of them.
template <class Rule, int First, int Last>
TrainerPointer make_model(const ModelNumbers& numbers) {
  if constexpr (First > Last) {
    return nullptr;
  } else {
    constexpr optiform::ModelShape shape = presets[First].shape;
    if (numbers.shape != shape) return make_model<Rule, First + 1, Last>(numbers);
    return make_network<typename Family<Rule>::template Network<shape>>(numbers);
  }
}
