// SPDX-License-Identifier: MIT
#pragma once

// A Transformer of a few hundred parameters with nothing at its initial value, in a trainer and in
// dual numbers: small enough for its whole Hessian.

#include <memory>
#include <vector>

#include <optiform/cpu/dual_cpu.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/decoder.hpp>
#include <optiform/optiform.hpp>
#include <optiform/training/evaluation/exact_model.hpp>
#include <optiform/training/trainer.hpp>

#include "../support/random_data.hpp"

namespace evaluated {

using namespace optiform;

inline constexpr ModelShape shape{.width = 4, .heads = 2, .hidden = 8};
inline constexpr Index vocabulary = 7, context = 6, batch = 2, length = 5;

template <class Rule>
using Model = LanguageModel<shape, Stack<TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>>;
template <class Rule, class Backend, class T>
using TrainerOn = typename Trainer<Model<Rule>, WeightOptimizer<AdamW>>::template on<Backend, T>;

inline LanguageModelOptions model_options(Index layers) {
  return {.vocabulary = vocabulary, .context = context, .layers = {layers}};
}

/// Parameters of order one.
template <class Trainer>
void randomise(Trainer& trainer, std::uint64_t seed) {
  const auto state = trainer.state()[0];
  detail::with_scalar(state.dtype, state.data, [&](auto* x) {
    Rng rng(seed);
    for (const auto& p : trainer.parameters().entries()) {
      const double mean = p.role == Role::norm ? 1 : 0;
      const double deviation = p.role == Role::matrix ? 0.3 : p.role == Role::norm ? 0.2 : 0.5;
      for (Index i = 0; i < p.size; ++i)
        x[p.offset + i] =
            static_cast<std::remove_reference_t<decltype(*x)>>(mean + deviation * rng.normal());
    }
  });
}

template <class Rule, class Backend = Reference, class T = double>
std::unique_ptr<TrainerOn<Rule, Backend, T>> trainer(Index layers = 1) {
  auto made = std::make_unique<TrainerOn<Rule, Backend, T>>(
      model_options(layers), WeightOptimizerOptions{},
      TrainerOptions{.batch = batch, .length = length, .threads = 2});
  made->allocate(Purpose::training);
  randomise(*made, 5);
  return made;
}

/// Random tokens to cut from.
inline std::vector<std::int32_t> text(std::uint64_t seed = 3, Index size = 400) {
  Rng rng(seed);
  return optiform::testing::ids(rng, size, vocabulary);
}
inline TokenBatches batches(const std::vector<std::int32_t>& from, Index count = 2) {
  return {RandomCrops(from, length, 11, "test"), count, batch};
}

}  // namespace evaluated
