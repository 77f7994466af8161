// SPDX-License-Identifier: MIT
#pragma once

#if defined(WITH_CPU)
#include <optiform/cpu.hpp>
#else
#include <optiform/optiform.hpp>
#endif

/// The same templates in two translation units: numbers that both must agree on.
inline optiform::Index count_here() {
  using namespace optiform;
#if defined(WITH_CPU)
  using Block = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;
  using Model = LanguageModel<ModelShape{.width = 16, .heads = 2, .hidden = 64}, Stack<Block>>;
  const Model::on<Cpu, float> model({.vocabulary = 65, .context = 8, .layers = {2}});
  return model.parameters().total();
#else
  return recording<TripleMomentum>.coefficients;
#endif
}

/// Defined in the other translation unit.
optiform::Index count_there();
