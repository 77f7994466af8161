// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <optiform/training/any_trainer.hpp>
#include <optiform/training/evaluation/perplexity.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How attention entropy is measured. Batch and length of a crop are the trainer's.
struct AttentionProtocol {
  Index batches = 200;     ///< of crops
  std::uint64_t seed = 0;  ///< of the crops, the same for all models
};

/// How evenly the attention of a model looks, in nats, averaged over crops.
struct ModelAttentionEntropy {
  std::vector<AttentionEntropy> layers;  ///< those that have attention, in order

  /// Of all layers.
  double mean() const {
    double sum = 0;
    for (const AttentionEntropy& layer : layers) sum += layer.mean();
    return sum / static_cast<double>(layers.size());
  }
  /// What that would be if all attention were even: its upper bound.
  double if_even() const {
    double sum = 0;
    for (const AttentionEntropy& layer : layers) sum += layer.even;
    return sum / static_cast<double>(layers.size());
  }
};

/// Measures the entropy of every head's attention on crops of a text.
///
/// Errors    a text that is shorter than a crop; no batch; a model that has no attention.
inline ModelAttentionEntropy measure_attention_entropy(AnyTrainer& trainer, TokenView text,
                                                       const AttentionProtocol& protocol = {}) {
  const auto inspector = trainer.inspector();
  const TokenBatches crops = draw_batches(trainer.options(), text, protocol);
  ModelAttentionEntropy result;
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    auto one = inspector->attention_entropy(crops.batch, tokens);
    for (AttentionEntropy& layer : one)
      for (double& head : layer.heads) head /= static_cast<double>(crops.count);
    if (result.layers.empty()) {
      result.layers = std::move(one);
      return;
    }
    for (std::size_t i = 0; i < one.size(); ++i)
      for (std::size_t h = 0; h < one[i].heads.size(); ++h)
        result.layers[i].heads[h] += one[i].heads[h];
  });
  if (result.layers.empty()) fail("the model has no attention; expected one whose layers attend");
  return result;
}

/// The perplexity of a model of which only the chosen layers run their rule; see Inspector.
///
/// Errors    a choice among another number of layers than the model's; as measure_perplexity.
inline Perplexity measure_hybrid(AnyTrainer& trainer, TokenView text, const LayerChoice& chosen,
                                 const PerplexityProtocol& protocol = {}) {
  const auto inspector = trainer.inspector();
  return measure_perplexity(
      trainer.options(), text, "measured", protocol,
      [&](Index batch, const std::int32_t* tokens, const std::int32_t* targets) {
        return inspector->loss(batch, tokens, targets, chosen);
      });
}

OPTIFORM_NAMESPACE_END
