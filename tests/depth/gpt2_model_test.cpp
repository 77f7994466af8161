// SPDX-License-Identifier: MIT
// GPT-2's network: norms with biases, inside and at the end.
#include <optiform/cpu/kernels.hpp>
#include <optiform/depth/gpt2.hpp>

#include "causality.hpp"
#include "decoder_checks.hpp"
#include "gradients.hpp"

namespace optiform::testing {
namespace {

using Network = Gpt2<odd_shape>;
constexpr DepthOptions biased{.velocity_norm = Norm::biased_layer_norm,
                              .pre_norm = Norm::biased_layer_norm};
using Momentum = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>, biased>;

}  // namespace

TEST_CASE("GPT-2: gradients, those of biases too") { check_model_gradients<Network>(); }

TEST_CASE("biased norms: gradients of a rule with a norm of its own, and of Euler's splitting") {
  check_model_gradients<
      LanguageModel<odd_shape, Momentum, Head<HeadOptions{.norm = Norm::biased_layer_norm}>>>();
  check_model_gradients<
      LanguageModel<odd_shape, Layer<Euler, ResidualBlock<Adam, CausalAttention, biased>,
                                     ResidualBlock<Adam, Mlp<Gelu>, biased>>>>();
}

TEST_CASE("GPT-2: causality, decoding, and the CPU against the reference") {
  check_causality<Network, Cpu, float>();
  check_decoder_of_model<Gpt2<decoder_shape>, Cpu, float>(2e-5);
  TinyModel<Network, Reference, double> exact;
  TinyModel<Network, Cpu, float> fast;
  fast.copy_from(exact);
  CHECK(fast.loss_and_gradients() == doctest::Approx(exact.loss_and_gradients()).epsilon(1e-5));
  const std::vector<float> a(fast.gradients.begin(), fast.gradients.end());
  const std::vector<double> b(exact.gradients.begin(), exact.gradients.end());
  CHECK(relative_error(a, b) < 1e-4);
}

TEST_CASE("GPT-2: its published sizes") {
  const auto count = [](const auto& model) { return model.parameters().count(); };
  CHECK(count(Gpt2<>::on<Cpu, float>({.vocabulary = 50257})) == 124'439'808);
  const Gpt2<odd_shape>::on<Cpu, float> model({.vocabulary = 9, .context = 4, .layers = {1}});
  const ParameterTable& table = model.parameters();
  for (const char* name : {"layers.0.ln_attn.bias", "layers.0.ln_mlp.bias", "final_ln.bias",
                           "layers.0.attn.qkv_proj.bias", "layers.0.mlp.w2.bias"}) {
    CAPTURE(name);
    CHECK(table.find(name) != nullptr);
  }
  Buffer<float> values(table.total());
  model.initialise(values.data(), 1);
  CHECK(values[table.find("final_ln.weight")->offset] == 1);
  CHECK(values[table.find("final_ln.bias")->offset] == 0);
}

}  // namespace optiform::testing
