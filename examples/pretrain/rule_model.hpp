// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

#include "models.hpp"

/// The network of a rule: the usual Transformer whose layers are its steps.
template <class Rule, optiform::DepthOptions Depth = {}>
struct Family {
  template <optiform::ModelShape shape>
  using Network = optiform::LanguageModel<
      shape, optiform::Stack<optiform::TransformerLayer<Rule, optiform::CausalAttention,
                                                        optiform::Mlp<optiform::Gelu>, Depth>>>;
};

/// A network whose weights are trained by AdamW, or their matrices by Muon: a run-time choice, so
/// that one compiled model serves both.
template <class Network>
TrainerPointer make_network(const ModelNumbers& numbers) {
  using namespace optiform;
  using Optimizer = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
  using Chosen = typename Trainer<Network, Optimizer>::template on<Cpu, float>;
  typename Chosen::optimizer_type::Options optimizer;
  optimizer.hybrid = numbers.muon;
  optimizer.matrices.learning_rate_factor = numbers.muon_rate;
  if (!numbers.muon) optimizer.others = {};
  optimizer.others.matrix.weight_decay = optimizer.others.embedding.weight_decay =
      optimizer.others.head.weight_decay = numbers.weight_decay;
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
