// SPDX-License-Identifier: MIT
// Positions that rotate, shared keys, windows and untied heads, continued token by token.
#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/oracles/gated_mlp.hpp>
#include <optiform/rules/triple_momentum.hpp>

#include "decoder_checks.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Modern =
    LanguageModel<ModelShape{.width = 24, .heads = 6, .hidden = 11, .kv_heads = 2},
                  Embedding<EmbeddingOptions{.positions = false}>,
                  Stack<TransformerLayer<
                      TripleMomentum,
                      Attention<AttentionOptions{.window = 7, .rotary = Rotary{}, .qk_norm = true}>,
                      GatedMlp<Silu>, DepthOptions{.pre_norm = Norm::rms_norm}>>,
                  Head<HeadOptions{.norm = Norm::rms_norm, .tied = false, .soft_cap = 5}>>;

}  // namespace

TEST_CASE("Decoder: logits of a modern model are those of its training pass") {
  check_decoder_of_model<Modern, Reference, double>(1e-12);
  check_decoder_of_model<Modern, Cpu, float>(1e-5);
}
