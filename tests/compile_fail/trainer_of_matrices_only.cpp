// SPDX-License-Identifier: MIT
// expect: Trainer - the optimizer trains matrices only
// not nvcc: weights are trained by code of the host
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/rules.hpp>
#include <optiform/training/trainer.hpp>
#include <optiform/weights/hybrid_optimizer.hpp>

using namespace optiform;

using Model = LanguageModel<ModelShape{.width = 4, .heads = 2, .hidden = 8},
                            TransformerLayer<Vanilla, CausalAttention, Mlp<Gelu>>>;
#ifdef CONTROL
using Optimizer = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
#else
using Optimizer = MuonOptimizer<>;
#endif

constexpr auto bytes = sizeof(Trainer<Model, Optimizer>::on<Reference, float>);
