// SPDX-License-Identifier: MIT
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/gated_mlp.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

constexpr ModelShape grouped{.width = 24, .heads = 4, .hidden = 10, .kv_heads = 2};
constexpr DepthOptions rms{.velocity_norm = Norm::rms_norm, .pre_norm = Norm::rms_norm};
using Turned = Attention<AttentionOptions{.window = 7, .rotary = Rotary{}, .qk_norm = true}>;
using HalfTurned = Attention<AttentionOptions{.rotary = Rotary{.share = 0.5}}>;

template <class Rule, class Attention>
using Modern = LanguageModel<grouped, Embedding<EmbeddingOptions{.positions = false}>,
                             Stack<TransformerLayer<Rule, Attention, GatedMlp<Silu>, rms>>,
                             Head<HeadOptions{.norm = Norm::rms_norm, .tied = false}>>;

}  // namespace

TEST_CASE("Decoder: rotary positions, norms and groups of heads, windows, gates, untied heads") {
  check_decoder_of<Modern<TripleMomentum, Turned>, Reference, double>(1e-12);
  check_decoder_of<Modern<TripleMomentum, Turned>, Cpu, float>(1e-5);
  check_decoder_of<Modern<GradientDescent, HalfTurned>, Cpu, float>(1e-5);
}
