// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

#include "family.hpp"
#include "models.hpp"

/// A network whose layers are steps of `Rule`, weights trained by AdamW, or their matrices by
/// Muon: a run-time choice, so that one compiled model serves both. The presets from
/// `First` to `Last` are compiled here; null if the numbers' shape is none of them.
template <class Rule, int First, int Last>
TrainerPointer make_model(const ModelNumbers& numbers) {
  using namespace optiform;
  if constexpr (First > Last) {
    return nullptr;
  } else {
    constexpr ModelShape shape = presets[First].shape;
    if (numbers.shape != shape) return make_model<Rule, First + 1, Last>(numbers);
    using Optimizer = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
    using Recipe = Trainer<typename Family<Rule>::template Network<shape>, Optimizer>;
    using Chosen = typename Recipe::template on<Cpu, float>;
    typename Chosen::optimizer_type::Options optimizer;
    optimizer.hybrid = numbers.muon;
    optimizer.matrices.learning_rate_factor = numbers.muon_rate;
    if (!numbers.muon) optimizer.others = {};
    optimizer.others.matrix.weight_decay = optimizer.others.embedding.weight_decay =
        optimizer.others.head.weight_decay = numbers.weight_decay;
    if (numbers.decay_everything)
      optimizer.others.norm.weight_decay = optimizer.others.scalar.weight_decay =
          numbers.weight_decay;
    return std::make_unique<Chosen>(LanguageModelOptions{.vocabulary = numbers.vocabulary,
                                                         .context = numbers.context,
                                                         .layers = {numbers.layers},
                                                         .recompute = numbers.recompute},
                                    optimizer, numbers.trainer);
  }
}
