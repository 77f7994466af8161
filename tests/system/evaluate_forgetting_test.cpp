// SPDX-License-Identifier: MIT
// evaluate --forgetting is a plain AdamW trainer, run by hand.
#include <cmath>
#include <numbers>
#include <sstream>

#include <optiform/cpu.hpp>
#include <optiform/io/tokenizer.hpp>
#include <optiform/training/corpus.hpp>
#include <optiform/training/evaluation/random_crops.hpp>
#include <optiform/training/run_state.hpp>
#include <optiform/training/trainer.hpp>

#include "program.hpp"

using namespace optiform;
using namespace programs;

namespace {

constexpr ModelShape tiny{.width = 64, .heads = 2, .hidden = 256};
using Model =
    LanguageModel<tiny, Stack<TransformerLayer<GradientDescent, CausalAttention, Mlp<Gelu>>>>;
using Tuned = Trainer<Model, WeightOptimizer<AdamW>>::on<Cpu, float>;

constexpr Index length = 16, batch = 4, passes = 3, batches = 5, steps = 30, warmup = 6;
constexpr double peak = 3e-3;

/// Betas 0.9 and 0.95, and a decay of 0.01 for every tensor.
WeightOptimizerOptions one_group() {
  WeightOptimizerOptions options;
  for (ParameterGroup* group :
       {&options.matrix, &options.embedding, &options.head, &options.norm, &options.scalar}) {
    group->weight_decay = 0.01;
    group->learning_rate_factor = 1;
  }
  return options;
}

double rate(Index step) {
  if (step < warmup) return peak * static_cast<double>(step) / static_cast<double>(warmup);
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  return peak * (0.1 + 0.9 * 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

double loss_on(Tuned& trainer, std::span<const std::int32_t> text, std::uint64_t seed) {
  const TokenBatches crops(RandomCrops(text, length, seed, "test"), batches, batch);
  double sum = 0;
  crops.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
    sum += trainer.evaluate(batch, tokens, targets) / batches;
  });
  return sum;
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("evaluate: --forgetting is AdamW by hand") {
  if (!built() || !fs::exists(path("evaluate"))) {
    MESSAGE("skipped: the example programs were not built");
    return;
  }
  const Folder folder("evaluate_forgetting");
  REQUIRE(
      run(folder.path, "pretrain", small + Arguments{"--rule", "vanilla", "--out", "run"}).code ==
      0);
  std::string digits;
  for (int i = 0; i < 2000; ++i) digits += std::to_string(i * i % 97);
  write(folder.path / "digits.txt", digits);
  const auto measured =
      run(folder.path, "evaluate",
          {"run", "--batches", "1", "--batch", "4", "--seed", "9", "--forgetting", "digits.txt",
           "--forgetting-steps", "30", "--forgetting-sequences", "12", "--forgetting-rate", "3e-3",
           "--forgetting-warmup", "6", "--forgetting-batches", "5"});
  INFO(measured.err);
  REQUIRE(measured.code == 0);
  std::map<std::string, double> value;
  std::istringstream lines(measured.out);
  std::string key;
  for (double number = 0; lines >> key >> number;) value[key] = number;

  Tuned trainer(LanguageModelOptions{.vocabulary = 256, .context = 64, .layers = {1}}, one_group(),
                {.batch = batch, .length = length, .accumulate = passes, .clip = 1});
  trainer.allocate(Purpose::training);
  load_parameters(folder.path / "run/checkpoints", trainer);
  const Bytes bytes;
  const auto source = bytes.encode(read_corpus((folder.path / "text.txt").string(), "").validation);
  const auto all = bytes.encode(read_text((folder.path / "digits.txt").string()));
  const std::size_t end = all.size() / 20;
  const std::span target = std::span(all).last(end), start = std::span(all).first(all.size() - end);
  CHECK(value.at("source_loss_before") ==
        doctest::Approx(loss_on(trainer, source, 9)).epsilon(1e-6));
  CHECK(value.at("target_loss_before") ==
        doctest::Approx(loss_on(trainer, target, 10)).epsilon(1e-6));
  TrainingBlocks blocks(start, length, 42);  // the run's seed
  std::vector<std::int32_t> tokens(batch * length), targets(batch * length);
  for (Index step = 0; step < steps; ++step) {
    for (Index pass = 0; pass < passes; ++pass) {
      blocks.fill((step * passes + pass) * batch, batch, tokens.data(), targets.data());
      trainer.accumulate(tokens.data(), targets.data());
    }
    trainer.update(rate(step));
  }
  CHECK(value.at("source_loss_after") ==
        doctest::Approx(loss_on(trainer, source, 9)).epsilon(1e-6));
  CHECK(value.at("target_loss_after") ==
        doctest::Approx(loss_on(trainer, target, 10)).epsilon(1e-6));
  CHECK(value.at("plasticity") > 0.5);
}

TEST_SUITE_END();
