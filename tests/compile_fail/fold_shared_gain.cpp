// SPDX-License-Identifier: MIT
// expect: steps that share one gain cannot each scale it; choose shared_gain = false
// not nvcc: its host code cannot spell a model's options
#include <optiform/depth/folding.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

using namespace optiform;

#ifdef CONTROL
constexpr DepthOptions options{};
#else
constexpr DepthOptions options{.shared_gain = true};
#endif

using Network =
    LanguageModel<archetype::oracle_shape,
                  TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>, options>>;
using Model = Network::on<archetype::OracleBackend, double>;

auto deploy(const Model& model, const double* values) { return fold(model, values); }
