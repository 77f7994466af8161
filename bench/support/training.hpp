// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/cpu.hpp>
#include <optiform/training/trainer.hpp>

namespace bench {

using namespace optiform;

/// Sizes of a model and of the batch it is trained on.
template <ModelShape Model, Index Layers, Index Vocabulary, Index Batch, Index Length>
struct TrainingShape {
  static constexpr ModelShape model = Model;
  static constexpr Index layers = Layers, vocabulary = Vocabulary, batch = Batch, length = Length;
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

/// 6 layers of width 384.
using SmallShape =
    TrainingShape<ModelShape{.width = 384, .heads = 6, .hidden = 1536}, 6, 8192, 8, 256>;
/// GPT-2 small on few short sequences, and on one long one.
using Gpt2Short = TrainingShape<gpt2_small, 12, 50304, 4, 64>;
using Gpt2Long = TrainingShape<gpt2_small, 12, 50304, 1, 1024>;

/// Whole training steps of a model with rule R: forward, loss, backward, clipping, AdamW.
template <class R, class Shape = SmallShape, class Backend = Cpu>
class TrainingSteps {
 public:
  using Model = LanguageModel<Shape::model, TransformerLayer<R, CausalAttention, Mlp<Gelu>>>;

  explicit TrainingSteps(int threads)
      : trainer_(
            LanguageModelOptions{.vocabulary = Shape::vocabulary,
                                 .context = Shape::length,
                                 .layers = {Shape::layers}},
            WeightOptimizerOptions{},
            TrainerOptions{
                .batch = Shape::batch, .length = Shape::length, .seed = 1, .threads = threads}) {
    trainer_.allocate(Purpose::training);
    Rng rng(2);
    for (std::vector<std::int32_t>* ids : {&tokens_, &targets_})
      for (Index i = 0; i < Shape::tokens; ++i)
        ids->push_back(static_cast<std::int32_t>(rng.below(Shape::vocabulary)));
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
