// SPDX-License-Identifier: MIT
// One model with one rule and both oracles, all of its members: what instantiations.sh counts.
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/triple_momentum.hpp>

using namespace optiform;

using Block = Layer<LieTrotter, ResidualBlock<TripleMomentum, CausalAttention>,
                    ResidualBlock<TripleMomentum, Mlp<Gelu>>>;
using Model = LanguageModel<ModelShape{.width = 16, .heads = 2, .hidden = 32}, Stack<Block>>;
template class Model::on<Reference, double>;
