// SPDX-License-Identifier: MIT
// Models of today's choices: RMS norms, rotary positions, normed heads, gated MLPs, untied heads.
#include <cmath>

#include <optiform/cpu/kernels.hpp>

#include "causality.hpp"
#include "gradients.hpp"

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 24, .heads = 6, .hidden = 9, .kv_heads = 2};
constexpr DepthOptions rms{.velocity_norm = Norm::rms_norm, .pre_norm = Norm::rms_norm};
using Turned = Attention<AttentionOptions{.window = 3, .rotary = Rotary{}, .qk_norm = true}>;

template <class Rule>
using Modern =
    LanguageModel<shape, Embedding<EmbeddingOptions{.positions = false}>,
                  Stack<TransformerLayer<Rule, Turned, GatedMlp<Silu>, rms>>,
                  Head<HeadOptions{.norm = Norm::rms_norm, .tied = false, .soft_cap = 2}>>;

template <class Model>
using Describe = typename Model::template on<Reference, double>;

}  // namespace

TEST_CASE("gradients of modern models") {
  SUBCASE("a residual stream") { check_model_gradients<Modern<GradientDescent>>(); }
  SUBCASE("momentum") { check_model_gradients<Modern<TripleMomentum>>(); }
  SUBCASE("a square, and the parts one by one") {
    check_model_gradients<
        LanguageModel<shape, TransformerLayer<HeavyBall, CausalAttention, Mlp<ReluSquared>>,
                      Head<HeadOptions{.tied = false}>>>();
  }
}

TEST_CASE("modern models keep the past from the future") {
  check_causality<Modern<TripleMomentum>, Reference, double>();
  check_causality<Modern<TripleMomentum>, Cpu, float>();
}

TEST_CASE("modern models: the Cpu backend computes what the reference does") {
  TinyModel<Modern<TripleMomentum>, Reference, double> exact;
  TinyModel<Modern<TripleMomentum>, Cpu, float> fast;
  fast.copy_from(exact);
  CHECK(fast.loss_and_gradients() == doctest::Approx(exact.loss_and_gradients()).epsilon(1e-5));
  const std::vector<float> a(fast.gradients.begin(), fast.gradients.end());
  const std::vector<double> b(exact.gradients.begin(), exact.gradients.end());
  CHECK(relative_error(a, b) < 1e-4);
  CHECK(relative_error(fast.logits(), exact.logits()) < 1e-5);
}

TEST_CASE("modern models: the tensors there are") {
  const Describe<Modern<TripleMomentum>> model({.vocabulary = 31, .context = 8, .layers = {2}});
  const ParameterTable& table = model.parameters();
  CHECK(table.find("pos_emb.weight") == nullptr);
  CHECK(table.find("vel_tok_emb.weight") != nullptr);
  CHECK(table.find("vel_pos_emb.weight") == nullptr);
  CHECK(table.find("layers.1.ln_attn.weight") != nullptr);
  REQUIRE(table.find("head.weight") != nullptr);
  CHECK(table.find("head.weight")->shape == std::vector<Index>{31, 24});
  CHECK(table.find("head.weight")->role == Role::embedding);
  CHECK(table.find("head.weight")->initialisation.deviation == 0.02);
  using Zero = LanguageModel<shape, TransformerLayer<GradientDescent, Turned, Mlp<Gelu>>,
                             Head<HeadOptions{.tied = false, .zero_start = true}>>;
  const Describe<Zero> zero({.vocabulary = 31, .context = 8, .layers = {1}});
  CHECK(zero.parameters().find("head.weight")->initialisation.deviation == 0);
  // A logit is a scalar product with the head: one that starts at zero knows nothing.
  TinyModel<Zero, Reference, double> untrained;
  untrained.model.initialise(untrained.values.data(), 1);
  CHECK(untrained.loss_and_gradients() == doctest::Approx(std::log(untrained.vocabulary)));
}

TEST_CASE("layers that start with zero projections are the identity") {
  using Start = Attention<AttentionOptions{.zero_start = true}>;
  constexpr MlpOptions zero{.zero_start = true};
  using With = LanguageModel<shape, TransformerLayer<GradientDescent, Start, Mlp<Gelu, zero>>>;
  TinyModel<With, Reference, double> two(2), one(1);
  two.model.initialise(two.values.data(), 1);
  one.model.initialise(one.values.data(), 7);
  one.copy_from(two);
  CHECK(one.logits() == two.logits());
}

TEST_CASE("a soft cap bounds the logits and keeps their order") {
  using Layer = TransformerLayer<GradientDescent, CausalAttention, Mlp<Gelu>>;
  TinyModel<LanguageModel<shape, Layer>, Cpu, double> free;
  TinyModel<LanguageModel<shape, Layer, Head<HeadOptions{.soft_cap = 0.75}>>, Cpu, double> capped;
  const auto z = free.logits(), bounded = capped.logits();
  double largest = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK(bounded[i] == doctest::Approx(0.75 * std::tanh(z[i] / 0.75)).epsilon(1e-12));
    largest = std::fmax(largest, std::fabs(z[i]));
  }
  CHECK(largest > 0.75);
}

TEST_CASE("segments that say nothing new describe the same model") {
  using Layer = TransformerLayer<Nesterov, CausalAttention, Mlp<Gelu>>;
  using Plain = LanguageModel<shape, Stack<Layer>>;
  using Explicit =
      LanguageModel<shape, Embedding<EmbeddingOptions{}>, Stack<Layer>, Head<HeadOptions{}>>;
  TinyModel<Plain, Cpu, float> plain;
  TinyModel<Explicit, Cpu, float> same;
  CHECK(plain.values.size() == same.values.size());
  CHECK(plain.logits() == same.logits());
}

}  // namespace optiform::testing
