// SPDX-License-Identifier: MIT
// What docs/interchange.md shows.
#include <doctest/doctest.h>

#include <optiform/core/random.hpp>
#include <optiform/cpu.hpp>
#include <optiform/depth/folding.hpp>
#include <optiform/depth/gpt2.hpp>
#include <optiform/io/gpt2.hpp>

using namespace optiform;

namespace {

// [gpt2]
/// The next token's logits after some tokens, by published weights.
std::vector<float> next_logits(const std::filesystem::path& file,
                               const std::vector<std::int32_t>& tokens) {
  Gpt2<gpt2_small>::on<Cpu, float> model({.vocabulary = 50257});
  Buffer<float> values(model.parameters().total());
  read_gpt2(SafetensorsFile(file), model.parameters(), values.data());
  CpuContext<ForkJoinPool> context(2);
  const auto length = static_cast<Index>(tokens.size());
  auto workspace = model.workspace(1, length, Pass::evaluation);
  std::vector<float> logits(50257);
  model.next_token_logits(context, values.data(), workspace, tokens.data(), logits.data());
  return logits;
}
// [gpt2]

constexpr ModelShape shape{.width = 12, .heads = 3, .hidden = 20};

// [my_rule]
/// Momentum without a look-ahead whose read-back is learned.
struct Flywheel : Rule {
  Row v = stream("velocity", {.prefix = "vel", .norm = "ln_v"});
  Scalar beta = unit("beta", 0.5), nu = positive("nu", 1);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v = normalise(beta * v + g);
    x += nu * v;
  }
};
// [my_rule]

}  // namespace

// [my_folding]
template <>
struct optiform::RuleFolding<Flywheel> {
  using type = FoldedHeavyBall;
  static constexpr bool scales_gain = true, needs_norm = true;
  static StepScales fold(const CoefficientValues& was, Norm, double& unit, CoefficientValues& is) {
    is.set("beta", *was.find("beta") / unit);
    unit = *was.find("nu");  // a folded velocity is nu times the rule's
    return {.gain = unit};
  }
};
// [my_folding]

TEST_CASE("docs: a rule of one's own folds, and a folded model decodes") {
  using Network = LanguageModel<shape, TransformerLayer<Flywheel, CausalAttention, Mlp<Gelu>>>;
  const Network::on<Cpu, float> model({.vocabulary = 16, .context = 8, .layers = {3}});
  Buffer<float> values(model.parameters().total());
  model.initialise(values.data(), 2);
  Rng rng(3);
  for (float& value : values) value += 0.3F * static_cast<float>(rng.normal());
  Network::on<Cpu, float>::Context context(1);
  std::vector<float> expected(16), logits(16);
  const std::int32_t tokens[] = {3, 1, 4, 1, 5};
  auto workspace = model.workspace(1, 5, Pass::evaluation);
  model.next_token_logits(context, values.data(), workspace, tokens, expected.data());
  // [fold]
  const auto folded = fold(model, values.data());
  typename decltype(folded.model)::Decoder decoder(folded.model, 1, 8);
  // [fold]
  const std::span<const std::int32_t> prompt[] = {tokens};
  decoder.append(context, folded.values.data(), prompt, logits.data());
  float largest = 0;
  for (const float logit : expected) largest = std::max(largest, std::abs(logit));
  for (std::size_t i = 0; i < 16; ++i) CHECK(std::abs(logits[i] - expected[i]) <= 2e-6F * largest);
}

TEST_CASE("docs: published weights that are not there are refused") {
  CHECK_THROWS_AS(next_logits("no/model.safetensors", {1}), Error);
}
