// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "evaluation_model.hpp"

using namespace optiform;

namespace {

/// One batch of the model's text.
struct Batch {
  std::vector<std::int32_t> text = evaluated::text();
  TokenBatches data = evaluated::batches(text, 1);
  const std::int32_t* tokens = data.tokens.data();
  const std::int32_t* targets = data.targets.data();
};

template <class Rule, class Backend, class T>
void check_hybrids() {
  const Batch b;
  auto trainer = evaluated::trainer<Rule, Backend, T>(3);
  const auto inspector = trainer->inspector();
  const double loss = trainer->evaluate(evaluated::batch, b.tokens, b.targets);
  const auto hybrid = [&](const LayerChoice& chosen) {
    return inspector->loss(evaluated::batch, b.tokens, b.targets, chosen);
  };
  CHECK(hybrid(LayerChoice(3).add(0, 2)) == loss);

  // None of them: a plain Transformer with the same matrices.
  auto plain = evaluated::trainer<GradientDescent, Backend, T>(3);
  const auto from = trainer->state()[0], to = plain->state()[0];
  for (const auto& p : plain->parameters().entries()) {
    const auto* source = trainer->parameters().find(p.name);
    REQUIRE(source != nullptr);
    std::copy_n(static_cast<const T*>(from.data) + source->offset, p.size,
                static_cast<T*>(to.data) + p.offset);
  }
  const double plainly = plain->evaluate(evaluated::batch, b.tokens, b.targets);
  CHECK(hybrid(LayerChoice(3)) == doctest::Approx(plainly).epsilon(1e-6));
  CHECK(std::fabs(plainly - loss) > 1e-3);

  // Every mixture is a model of its own.
  std::vector<double> losses;
  for (int set = 0; set < 8; ++set) {
    LayerChoice chosen(3);
    for (Index l = 0; l < 3; ++l)
      if ((set >> l & 1) != 0) chosen.add(l, l);
    losses.push_back(hybrid(chosen));
  }
  std::sort(losses.begin(), losses.end());
  CHECK(std::adjacent_find(losses.begin(), losses.end()) == losses.end());
}

TEST_CASE("Inspector: all layers chosen is the model to the bit, none is the plain Transformer") {
  check_hybrids<TripleMomentum, Reference, double>();
  check_hybrids<AdamW, Reference, double>();
  check_hybrids<TripleMomentum, Cpu, float>();
}

TEST_CASE("Inspector: past plain layers streams go unchanged") {
  // With mu = 0, beta = 0 and zero oracles a chosen layer writes nu LN(0) = 0: it changes nothing
  // but the velocity, which only a later layer that was chosen can see.
  const Batch b;
  auto trainer = evaluated::trainer<TripleMomentum>(2);
  auto* values = static_cast<double*>(trainer->state()[0].data);
  const auto set = [&](const std::string& name, double value) {
    const auto* p = trainer->parameters().find(name);
    REQUIRE(p != nullptr);
    for (Index i = 0; i < p->size; ++i) values[p->offset + i] = value;
  };
  set("layers.0.attn.out_proj.weight", 0);
  set("layers.0.mlp.w2.weight", 0);
  const auto inspector = trainer->inspector();
  const auto loss = [&] {
    return inspector->loss(evaluated::batch, b.tokens, b.targets, LayerChoice(2).add(1, 1));
  };
  const double before = loss();
  set("vel_tok_emb.weight", 0);
  set("vel_pos_emb.weight", 0);
  CHECK(std::fabs(loss() - before) > 1e-6);  // layer 1 has seen the learned velocity
  const double without = loss();
  set("layers.0.nu_attn_raw", 3);
  set("layers.0.mu_mlp_raw", 3);
  CHECK(loss() == without);  // layer 0 has made no step of its rule
}

TEST_CASE("Inspector: attention that does not look has the entropy of its positions") {
  const Batch b;
  auto trainer = evaluated::trainer<Nesterov, Cpu, float>(2);
  auto* values = static_cast<float*>(trainer->state()[0].data);
  // Queries of zero: every score is zero. Head 1 of layer 1 keeps its own.
  for (const char* layer : {"layers.0", "layers.1"}) {
    const auto* p = trainer->parameters().find(std::string(layer) + ".attn.qkv_proj.weight");
    REQUIRE(p != nullptr);
    const Index rows = layer[7] == '0' ? 4 : 2, width = 4;
    std::fill_n(values + p->offset, rows * width, 0.f);
  }
  double even = 0;
  for (Index t = 0; t < evaluated::length; ++t) even += std::log(static_cast<double>(t + 1));
  even /= static_cast<double>(evaluated::length);
  const auto entropy = trainer->inspector()->attention_entropy(evaluated::batch, b.tokens);
  REQUIRE(entropy.size() == 2);
  CHECK(entropy[0].layer == 0);
  CHECK(entropy[1].layer == 1);
  REQUIRE(entropy[1].heads.size() == 2);
  CHECK(entropy[0].heads[0] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[0].heads[1] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[1].heads[0] == doctest::Approx(even).epsilon(1e-6));
  CHECK(entropy[1].heads[1] < even - 1e-4);
  CHECK(entropy[1].heads[1] > 0);
  CHECK(entropy[0].mean() == doctest::Approx(even).epsilon(1e-6));
}

TEST_CASE("attention entropy: by the book, with windows and shared keys") {
  Rng rng(9);
  const AttentionProblem p{.batch = 2,
                           .length = 70,
                           .heads = 4,
                           .head_dim = 3,
                           .kv_heads = 2,
                           .window = 20,
                           .scale = 0.7};
  const auto qkv = optiform::testing::normal(rng, p.batch * p.length * p.token_stride());
  std::vector<double> out(static_cast<std::size_t>(p.batch * p.length * p.out_stride())),
      lse(static_cast<std::size_t>(p.batch * p.heads * p.length)), sums(4), expected(4);
  ReferenceContext reference;
  kernels<Reference>::attention_forward(reference, p, qkv.data(), out.data(), lse.data());
  for (Index b = 0; b < p.batch; ++b)
    for (Index h = 0; h < p.heads; ++h)
      for (Index t = 0; t < p.length; ++t) {
        std::vector<double> probability;
        double total = 0;
        for (Index s = std::max<Index>(0, t - 19); s <= t; ++s) {
          double score = 0;
          for (Index i = 0; i < p.head_dim; ++i)
            score += qkv[static_cast<std::size_t>(p.query_at(b, t, h) + i)] *
                     qkv[static_cast<std::size_t>(p.key_at(b, s, h / 2) + i)];
          total += probability.emplace_back(std::exp(0.7 * score));
        }
        for (const double q : probability)
          expected[static_cast<std::size_t>(h)] -= q / total * std::log(q / total);
      }
  context_t<Cpu> context(2);
  add_attention_entropy<Cpu>(context, p, qkv.data(), lse.data(), sums);
  for (std::size_t h = 0; h < 4; ++h) CHECK(sums[h] == doctest::Approx(expected[h]).epsilon(1e-12));
}

TEST_CASE("Inspector: coefficients have their names, layers and mapped values") {
  auto trainer = evaluated::trainer<AdamW>(2);
  auto* values = static_cast<double*>(trainer->state()[0].data);
  values[trainer->parameters().find("layers.1.gamma_mlp_raw")->offset] = 0.5;
  values[trainer->parameters().find("layers.0.beta1_attn_raw")->offset] = -1;
  values[trainer->parameters().find("layers.0.lambda_attn_raw")->offset] = -5;
  const auto all = trainer->inspector()->coefficients();
  CHECK(all.size() == 2 * 2 * 4);
  const auto value = [&](Index layer, const std::string& oracle, const std::string& name) {
    for (const auto& c : all)
      if (c.layer == layer && c.oracle == oracle && c.name == name) return c.value;
    return -1.0;
  };
  CHECK(value(1, "mlp", "gamma") == doctest::Approx(std::log1p(std::exp(0.5))));
  CHECK(value(0, "attn", "beta1") == doctest::Approx(1 / (1 + std::exp(1))));
  CHECK(value(0, "attn", "lambda") == doctest::Approx(1 / (1 + std::exp(5))));
}

TEST_CASE("Inspector: layers that do not exist are one sentence") {
  CHECK_THROWS_WITH_AS(LayerChoice(3).add(0, 5),
                       "layers 0 to 5 were chosen; expected numbers from 0 to 2 in rising order",
                       Error);
  CHECK_THROWS_AS(LayerChoice(3).add(2, 1), Error);
  const Batch b;
  auto trainer = evaluated::trainer<TripleMomentum>(2);
  CHECK_THROWS_WITH_AS(
      trainer->inspector()->loss(evaluated::batch, b.tokens, b.targets, LayerChoice(3)),
      "the choice is among 3 layers; expected the model's 2", Error);
}

}  // namespace
