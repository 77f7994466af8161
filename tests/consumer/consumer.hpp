// SPDX-License-Identifier: MIT
#pragma once

#if defined(WITH_CPU)
#include <optiform/cpu.hpp>
#if defined(WITH_OPENMP)
#include <optiform/cpu/openmp.hpp>
using Backend = optiform::BasicCpu<optiform::PackedGemm, optiform::OpenMpThreads>;
#else
using Backend = optiform::Cpu;
#endif
#else
#include <optiform/optiform.hpp>
#endif

/// The same templates in two translation units: numbers that both must agree on.
inline optiform::Index count_here() {
  using namespace optiform;
#if defined(WITH_CPU)
  using Block = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;
  using Model = LanguageModel<ModelShape{.width = 16, .heads = 2, .hidden = 64}, Stack<Block>>;
  const Model::on<Backend, float> model({.vocabulary = 65, .context = 8, .layers = {2}});
  return model.parameters().total();
#else
  return recording<TripleMomentum>.coefficients;
#endif
}

/// Defined in the other translation unit.
optiform::Index count_there();
