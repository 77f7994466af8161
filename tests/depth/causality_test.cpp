// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/rms_prop.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "../support/tiny_model.hpp"

using namespace optiform;
using optiform::testing::TinyModel;

namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};
using Attention = CausalAttention;

/// Changing token k changes the logits at k, and none before it or in another sequence.
template <class Layer, class Backend, class T>
void check() {
  TinyModel<LanguageModel<shape, Layer>, Backend, T> model;
  const auto before = model.logits();
  const Index length = model.length, vocabulary = model.vocabulary;
  for (Index changed = 0; changed < model.batch * length; ++changed) {
    auto& token = model.tokens[static_cast<std::size_t>(changed)];
    const auto kept = token;
    token = (token + 5) % static_cast<std::int32_t>(vocabulary);
    const auto after = model.logits();
    token = kept;
    for (Index row = 0; row < model.batch * length; ++row) {
      const auto first = before.begin() + row * vocabulary;
      const bool same = std::equal(first, first + vocabulary, after.begin() + row * vocabulary);
      const bool earlier = row < changed, other_sequence = row / length != changed / length;
      INFO("token ", changed, " row ", row);
      CHECK(same == (earlier || other_sequence));
    }
  }
}

template <class Rule>
using Usual = TransformerLayer<Rule, Attention, Mlp<Gelu>>;
template <class Rule>
using Summed = Layer<Euler, ResidualBlock<Rule, Attention>, ResidualBlock<Rule, Mlp<Gelu>>>;

}  // namespace

TEST_CASE("no rule lets a token see the future") {
  check<Usual<GradientDescent>, Reference, double>();
  check<Usual<HeavyBall>, Reference, double>();
  check<Usual<Nesterov>, Reference, double>();
  check<Usual<TripleMomentum>, Reference, double>();
  check<Usual<AdamW>, Reference, double>();
  check<Usual<RmsProp>, Reference, double>();
  check<Summed<TripleMomentum>, Reference, double>();
}

TEST_CASE("the Cpu backend keeps the past from the future bit by bit") {
  check<Usual<GradientDescent>, Cpu, float>();
  check<Usual<TripleMomentum>, Cpu, float>();
  check<Summed<TripleMomentum>, Cpu, float>();
}
