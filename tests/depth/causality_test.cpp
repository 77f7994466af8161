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

#include "causality.hpp"

using namespace optiform;

namespace {

constexpr ModelShape shape{.width = 18, .heads = 3, .hidden = 11};

template <class Layer, class Backend, class T>
void check() {
  testing::check_causality<LanguageModel<shape, Layer>, Backend, T>();
}

template <class Rule>
using Usual = TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>;
template <class Rule>
using Summed = Layer<Euler, ResidualBlock<Rule, CausalAttention>, ResidualBlock<Rule, Mlp<Gelu>>>;

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
