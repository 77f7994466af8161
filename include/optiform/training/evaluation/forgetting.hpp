// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/training/evaluation/parameter_vector.hpp>
#include <optiform/training/evaluation/perplexity.hpp>
#include <optiform/weights/schedules.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How a model is fine-tuned on another text, and what is measured before and after. The optimizer
/// and the sequences per update are the trainer's.
///
/// Source    arXiv 2605.24425, section on forgetting: one AdamW for everything, betas 0.9 and 0.95,
///           decay 0.01 of all parameters, 480 sequences of 1,024 tokens per update, clip 1; losses
///           on 50 batches of 8 crops.
struct ForgettingProtocol {
  Schedule schedule{.peak = 1e-4, .warmup = 50, .steps = 1000, .final_fraction = 0.1};
  Index batches = 50;             ///< of each measurement
  std::uint64_t source_seed = 0;  ///< of the crops of the text that was learned first
  std::uint64_t target_seed = 1;  ///< and of the one that is learned now
};

/// Losses in nats per token.
struct Forgetting {
  double source_before = 0, source_after = 0, target_before = 0, target_after = 0;

  /// What was lost of the first text.
  double forgetting() const { return source_after - source_before; }
  /// What was won on the second.
  double plasticity() const { return target_before - target_after; }
};

/// Fine-tunes the trainer on `target_training` and measures `source` and `target` around it.
/// observe(step, loss) hears of every update, counted from 1, and its mean loss before it.
///
/// Contract  the trainer is allocated for training and its parameters are the learned ones; they
///           are changed. Training sequences are those of TrainingBlocks under the trainer's seed.
/// Errors    a text that is shorter than a sequence; a gradient that is not finite; a trainer that
///           averages its parameters, whose losses would be those of the average.
template <class Observer>
Forgetting measure_forgetting(AnyTrainer& trainer, TokenView source, TokenView target_training,
                              TokenView target, const ForgettingProtocol& protocol,
                              Observer&& observe) {
  protocol.schedule.validate();
  detail::require_no_average(trainer, "the forgetting");
  const auto loss_on = [&](TokenView text, const char* what, std::uint64_t seed) {
    return measure_perplexity(trainer, text, what, {.batches = protocol.batches, .seed = seed})
        .loss;
  };
  const TrainerOptions& o = trainer.options();
  TrainingBlocks blocks(target_training, o.length, o.seed);
  Forgetting result;
  result.source_before = loss_on(source, "source", protocol.source_seed);
  result.target_before = loss_on(target, "target", protocol.target_seed);
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(o.batch * o.length)),
      targets(tokens.size());
  for (std::int64_t step = 0; step < protocol.schedule.steps; ++step) {
    double loss = 0;
    for (Index pass = 0; pass < o.accumulate; ++pass) {
      blocks.fill((step * o.accumulate + pass) * o.batch, o.batch, tokens.data(), targets.data());
      loss += trainer.accumulate(tokens.data(), targets.data());
    }
    if (const double norm = trainer.update(protocol.schedule(step)); !std::isfinite(norm))
      fail("fine-tuning broke down at step ", step, ": ", trainer.first_bad_tensor());
    observe(step + 1, loss / static_cast<double>(o.accumulate));
  }
  result.source_after = loss_on(source, "source", protocol.source_seed);
  result.target_after = loss_on(target, "target", protocol.target_seed);
  return result;
}

/// The same without a word on the way.
inline Forgetting measure_forgetting(AnyTrainer& trainer, TokenView source,
                                     TokenView target_training, TokenView target,
                                     const ForgettingProtocol& protocol = {}) {
  return measure_forgetting(trainer, source, target_training, target, protocol,
                            [](std::int64_t, double) {});
}

OPTIFORM_NAMESPACE_END
