// SPDX-License-Identifier: MIT
// Code of docs/language_models.md.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/cpu.hpp>

namespace {
// [shape]
using namespace optiform;
inline constexpr ModelShape shape{.width = 48, .heads = 6, .hidden = 96, .kv_heads = 2};
// [shape]

// [modern]
using Modern = Attention<AttentionOptions{.rotary = Rotary{}, .qk_norm = true}>;
using Model =
    LanguageModel<shape, Embedding<EmbeddingOptions{.positions = false}>,
                  Stack<TransformerLayer<TripleMomentum, Modern, GatedMlp<Silu>,
                                         DepthOptions{.pre_norm = Norm::rms_norm}>>,
                  Head<HeadOptions{.norm = Norm::rms_norm, .tied = false, .soft_cap = 30}>>;
// [modern]

// [hybrid]
using Hybrid = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
// [hybrid]
}  // namespace

TEST_CASE("the modern model of the pages trains with the hybrid optimizer and goes on with texts") {
  // [memory]
  Model::on<Cpu, float> model(
      {.vocabulary = 32, .context = 16, .layers = {2}, .recompute = Recompute::activations});
  const Index batch = model.largest_batch(Index{1} << 20, 16, Pass::training);
  // [memory]
  REQUIRE(batch >= 2);
  CHECK(model.plan(batch, 16, Pass::training).bytes() <= Index{1} << 20);
  CHECK(model.plan(batch + 1, 16, Pass::training).bytes() > Index{1} << 20);

  context_t<Cpu> context(1);
  std::vector<float> values(static_cast<std::size_t>(model.parameters().total())),
      gradients(values.size());
  model.initialise(values.data(), 1);
  std::vector<std::int32_t> tokens(32), targets(32);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(i % 7),
    targets[i] = static_cast<std::int32_t>((i + 1) % 7);
  auto workspace = model.workspace(2, 16, Pass::training);
  Hybrid::on<Cpu, float> optimizer(model.parameters(), {});
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    last = model.loss_and_gradients(context, values.data(), workspace, tokens.data(),
                                    targets.data(), gradients.data());
    if (step == 0) first = last;
    optimizer.step_and_clear(context, values.data(), gradients.data(), 1, 3e-3);
  }
  CHECK(first == doctest::Approx(std::log(32)).epsilon(0.05));
  CHECK(last < 0.8 * first);
}
