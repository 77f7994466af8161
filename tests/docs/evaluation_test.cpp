// SPDX-License-Identifier: MIT
// Code of docs/evaluation.md.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

// [include]
#include <optiform/cpu.hpp>
#include <optiform/cpu/dual_cpu.hpp>
#include <optiform/training/evaluation/curvature.hpp>
#include <optiform/training/evaluation/forgetting.hpp>
#include <optiform/training/evaluation/inspection.hpp>
#include <optiform/training/evaluation/layer_spectra.hpp>
#include <optiform/training/evaluation/loss_slice.hpp>
#include <optiform/training/trainer.hpp>
// [include]

namespace {
// [model]
using namespace optiform;
inline constexpr ModelShape shape{.width = 8, .heads = 2, .hidden = 16};
using Model = LanguageModel<shape, Stack<TransformerLayer<Nesterov, CausalAttention, Mlp<Gelu>>>>;
using Training = Trainer<Model, WeightOptimizer<AdamW>>::on<Cpu, float>;
// [model]
}  // namespace

TEST_CASE("the page on evaluation measures a model in a program") {
  std::vector<std::int32_t> text, news;
  for (std::int32_t i = 0; i < 500; ++i) {
    text.push_back(i * i % 13);
    news.push_back(i * 7 % 13);
  }
  // [trainer]
  const LanguageModelOptions options{.vocabulary = 13, .context = 8, .layers = {2}};
  Training trainer(options, WeightOptimizerOptions{}, {.batch = 4, .length = 8});
  trainer.allocate(Purpose::training);
  // [trainer]
  for (int step = 0; step < 30; ++step) {
    const TokenBatches batch(RandomCrops(text, 8, 100, "training"), 1, 4);
    trainer.accumulate(batch.tokens.data(), batch.targets.data());
    trainer.update(1e-2);
  }
  // [losses]
  const Perplexity own = measure_perplexity(trainer, text, "my", {.batches = 20});
  const Perplexity other = measure_perplexity(trainer, news, "news", {.batches = 20});
  const Perplexity first_layer_only =
      measure_hybrid(trainer, text, LayerChoice(2).add(0, 0), {.batches = 20});
  // [losses]
  CHECK(own.loss < std::log(13));
  CHECK(other.loss > own.loss);
  CHECK(first_layer_only.loss != own.loss);
  CHECK(first_layer_only.tokens == own.tokens);

  // [inside]
  const ModelAttentionEntropy entropy = measure_attention_entropy(trainer, text, {.batches = 20});
  const std::vector<LearnedCoefficient> learned = trainer.inspector()->coefficients();
  // [inside]
  CHECK(entropy.mean() <= entropy.if_even() * (1 + 1e-6));
  CHECK(entropy.layers.size() == 2);
  CHECK(!learned.empty());

  // [curvature]
  const Curvature sharp = measure_curvature(trainer, text, {.batches = 4, .seed = 7});
  const std::vector<SlicePoint> slice = measure_loss_slice(trainer, text, {.reach = 0.2});
  // [curvature]
  CHECK(slice.size() == 11);
  CHECK(slice.front().loss != slice.back().loss);

  // [exact]
  ExactModel<Model>::on<DualCpu> exact(options);
  exact.assign(trainer);
  const Curvature exactly =
      measure_curvature(exact, trainer.options(), text, {.batches = 4, .seed = 7});
  const ModelSpectra blocks = measure_spectra(exact, {.batch = 2, .length = 8}, text,
                                              LayerPart::block, {.batches = 2, .rank = 8});
  // [exact]
  CHECK(exactly.top.value != 0);
  CHECK(sharp.top.value == doctest::Approx(exactly.top.value).epsilon(0.05));
  CHECK(sharp.parameters == trainer.parameters().count());
  CHECK(exactly.parameters == sharp.parameters);
  CHECK(blocks.mean_stable_rank() > 1);
  CHECK(blocks.mean_condition() >= 1);

  // [forgetting]
  const std::span train = std::span(news).first(400), held_out = std::span(news).last(100);
  const Forgetting change = measure_forgetting(
      trainer, text, train, held_out, {.schedule = {.peak = 1e-2, .warmup = 5, .steps = 40}});
  // [forgetting]
  CHECK(change.plasticity() > 0);
  CHECK(change.forgetting() > 0);
}
