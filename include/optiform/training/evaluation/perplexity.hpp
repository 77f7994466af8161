// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/training/any_trainer.hpp>
#include <optiform/training/evaluation/random_crops.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How perplexity is measured. Batch and length of a crop are the trainer's.
///
/// Source    arXiv 2605.24425, appendix H: 200 batches of 8 crops of 1,024 tokens.
struct PerplexityProtocol {
  Index batches = 200;
  std::uint64_t seed = 0;  ///< of the crops, the same for all models
};

/// Mean cross entropy on a text.
struct Perplexity {
  double loss = 0;            ///< nats per token
  double standard_error = 0;  ///< of the loss, from the spread of the batches; 0 for one batch
  Index tokens = 0;

  double perplexity() const { return std::exp(loss); }
};

/// Measures with loss(batch, tokens, targets), the mean loss of one batch: a model as it is, or
/// something that was made of it.
template <class Loss>
Perplexity measure_perplexity(const TrainerOptions& sizes, TokenView text, std::string_view what,
                              const PerplexityProtocol& protocol, Loss&& loss) {
  const TokenBatches data(RandomCrops(text, sizes.length, protocol.seed, what), protocol.batches,
                          sizes.batch);
  const auto n = static_cast<double>(data.count);
  double sum = 0, squares = 0;
  data.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
    const double value = loss(sizes.batch, tokens, targets);
    sum += value;
    squares += value * value;
  });
  Perplexity result{.loss = sum / n, .tokens = data.count * data.batch * data.length};
  const double variance = std::fmax(0.0, squares / n - result.loss * result.loss);
  if (data.count > 1) result.standard_error = std::sqrt(variance / (n - 1));
  return result;
}

/// The same of a trainer's model.
inline Perplexity measure_perplexity(AnyTrainer& trainer, TokenView text, std::string_view what,
                                     const PerplexityProtocol& protocol = {}) {
  return measure_perplexity(trainer.options(), text, what, protocol,
                            [&](auto... batch) { return trainer.evaluate(batch...); });
}

OPTIFORM_NAMESPACE_END
