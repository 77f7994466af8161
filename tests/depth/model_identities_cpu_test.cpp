// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu/kernels.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "../support/tiny_model.hpp"

using namespace optiform;

namespace {

/// A width with whole vectors and a tail.
constexpr ModelShape shape{.width = 39, .heads = 3, .hidden = 29};
template <class Rule>
using Tiny =
    testing::TinyModel<LanguageModel<shape, TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>,
                       Cpu, float>;

}  // namespace

TEST_CASE("on the Cpu backend in float the momentum family agrees bit for bit") {
  Tiny<TripleMomentum> tmm;
  Tiny<Nesterov> nesterov;
  Tiny<HeavyBall> heavy_ball;
  nesterov.copy_from(tmm);
  heavy_ball.copy_from(tmm);
  CHECK(tmm.logits() != nesterov.logits());
  tmm.set_raw("nu", std::log(std::expm1(1.)));  // rounds to one in float
  CHECK(tmm.logits() == nesterov.logits());
  CHECK(nesterov.logits() != heavy_ball.logits());
  tmm.set_raw("mu", -1e4);
  nesterov.set_raw("mu", -1e4);
  CHECK(tmm.logits() == heavy_ball.logits());
  CHECK(nesterov.logits() == heavy_ball.logits());

  // What they learn in common is the same too.
  CHECK(tmm.loss_and_gradients() == heavy_ball.loss_and_gradients());
  for (const auto& p : heavy_ball.model.parameters().entries()) {
    const float *a = tmm.gradient(p.name), *b = heavy_ball.gradient(p.name);
    double error = 0, scale = 0;
    for (Index i = 0; i < p.size; ++i) {
      error = std::fmax(error, std::fabs(static_cast<double>(a[i] - b[i])));
      scale = std::fmax(scale, std::fabs(static_cast<double>(b[i])));
    }
    INFO(p.name);
    CHECK(error <= 1e-5 * scale);
  }
}
