// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <optiform/training/any_trainer.hpp>
#include <optiform/training/evaluation/random_crops.hpp>
#include <optiform/training/evaluation/spread.hpp>

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
  const TokenBatches data = draw_batches(sizes, text, protocol, what);
  Spread spread;
  data.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
    spread.add(loss(sizes.batch, tokens, targets));
  });
  return {spread.mean(), spread.standard_error(), data.count * data.batch * data.length};
}

/// The same of a trainer's model.
inline Perplexity measure_perplexity(AnyTrainer& trainer, TokenView text, std::string_view what,
                                     const PerplexityProtocol& protocol = {}) {
  return measure_perplexity(trainer.options(), text, what, protocol,
                            [&](auto... batch) { return trainer.evaluate(batch...); });
}

OPTIFORM_NAMESPACE_END
