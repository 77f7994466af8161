// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

namespace bench {

using namespace optiform;

/// The model whose training step is measured: 6 layers of width 384.
struct SmallShape {
  static constexpr ModelShape model{.width = 384, .heads = 6, .hidden = 1536};
  static constexpr Index layers = 6, length = 256, vocabulary = 8192, batch = 8;
  static constexpr Index tokens = batch * length;

  /// Additions and multiplications a step cannot do without: 2 per parameter of a matrix and token
  /// forward and twice that backward, head included, and the same for the causal half of the
  /// attention scores. Recomputation, norms, softmax and the optimizer are not counted.
  static constexpr double useful_operations() {
    constexpr double d = model.width, h = model.hidden, n = tokens;
    constexpr double matrices = layers * (4 * d * d + 2 * d * h) + vocabulary * d;
    constexpr double scores = layers * batch * 0.5 * length * (length + 1) * d;
    return 6 * matrices * n + 3 * 2 * 2 * scores;
  }
};

/// Whole training steps of that model with rule R: forward, loss, backward, clipping, AdamW.
template <class R, class Backend = Cpu>
class TrainingSteps {
 public:
  using Model = LanguageModel<SmallShape::model, TransformerLayer<R, CausalAttention, Mlp<Gelu>>>;

  explicit TrainingSteps(int threads)
      : trainer_(LanguageModelOptions{.vocabulary = SmallShape::vocabulary,
                                      .context = SmallShape::length,
                                      .layers = {SmallShape::layers}},
                 WeightOptimizerOptions{},
                 TrainerOptions{.batch = SmallShape::batch,
                                .length = SmallShape::length,
                                .seed = 1,
                                .threads = threads}) {
    trainer_.allocate(Purpose::training);
    Rng rng(2);
    for (std::vector<std::int32_t>* ids : {&tokens_, &targets_})
      for (Index i = 0; i < SmallShape::tokens; ++i)
        ids->push_back(static_cast<std::int32_t>(rng.below(SmallShape::vocabulary)));
  }

  /// Returns the loss before the step.
  double run() {
    const double loss = trainer_.accumulate(tokens_.data(), targets_.data());
    trainer_.update(1e-3);
    return loss;
  }

 private:
  typename Trainer<Model, WeightOptimizer<AdamW>>::template on<Backend, float> trainer_;
  std::vector<std::int32_t> tokens_, targets_;
};

}  // namespace bench
