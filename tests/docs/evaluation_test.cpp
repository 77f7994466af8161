// SPDX-License-Identifier: MIT
// Code of docs/evaluation.md.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

// [include]
#include <optiform/cpu.hpp>
#include <optiform/cpu/dual_cpu.hpp>
#include <optiform/training/evaluation/curvature.hpp>
#include <optiform/training/evaluation/exact_model.hpp>
#include <optiform/training/evaluation/perplexity.hpp>
#include <optiform/training/evaluation/spectrum.hpp>
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
  std::vector<std::int32_t> text;
  for (std::int32_t i = 0; i < 500; ++i) text.push_back(i * i % 13);
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
  const Perplexity whole = measure_perplexity(trainer, text, "my", {.batches = 20});
  const auto inspector = trainer.inspector();
  const TokenBatches crops(RandomCrops(text, 8, 0, "my"), 2, 4);
  const double first_layer_only =
      inspector->loss(4, crops.tokens.data(), crops.targets.data(), LayerChoice(2).add(0, 0));
  // [losses]
  CHECK(whole.loss < std::log(13));
  CHECK(std::isfinite(first_layer_only));

  // [exact]
  ExactModel<Model>::on<DualCpu> exact(options);
  exact.assign(trainer);
  const Curvature sharp = measure_curvature(exact.parameters(), exact.hessian(crops));
  // [exact]
  CHECK(std::isfinite(sharp.top.value));
  CHECK(sharp.top.value != 0);
  CHECK(sharp.parameters == trainer.parameters().count());

  // [spectrum]
  exact.run(crops.batch, crops.length, crops.tokens.data());
  exact.select(1, LayerPart::block);
  const Spectrum spectrum = measure_spectrum(exact, {.rank = 8});
  // [spectrum]
  CHECK(spectrum.stable_rank() > 1);
  CHECK(spectrum.condition() >= 1);
}
