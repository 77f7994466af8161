// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <memory>
#include <optiform/core/backend.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/parameters.hpp>
#include <optiform/io/dtype.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

OPTIFORM_NAMESPACE_BEGIN

/// Numbers of one training step that are not the model's.
struct TrainerOptions {
  Index batch = 8;         ///< sequences of one forward and backward pass
  Index length = 128;      ///< tokens of a sequence
  Index accumulate = 1;    ///< passes whose gradients are averaged before one update
  double clip = 1;         ///< largest global norm of the gradient; 0 switches clipping off
  std::uint64_t seed = 0;  ///< of the initial parameters
  int threads = 0;         ///< 0 takes all cores; changes speed, never results
};

/// A vector that a checkpoint holds: all parameters, or one stream of the optimizer.
struct StateVector {
  std::string name;
  DType dtype;
  void* data;
  Index size;
};

/// One item of the memory that a training run will take.
struct PlannedMemory {
  std::string name;
  Index bytes = 0;
};

/// Training whatever the model's type is: what a run, its log and its checkpoints see.
///
/// Contract  `allocate` first, once; planning and `parameters` need no memory. Between two calls
///           of `update`, `accumulate` is called `options().accumulate` times. A steady step
///           allocates nothing.
class AnyTrainer {
 public:
  virtual ~AnyTrainer() = default;
  virtual const TrainerOptions& options() const = 0;
  virtual const ParameterTable& parameters() const = 0;
  virtual Index vocabulary() const = 0;
  virtual Index context() const = 0;
  /// What `allocate` will take, item by item.
  virtual std::vector<PlannedMemory> plan() const = 0;
  /// Takes the memory and initialises the parameters from the seed.
  virtual void allocate() = 0;

  /// Mean loss of [batch, length] tokens, in nats; adds their gradients.
  virtual double accumulate(const std::int32_t* tokens, const std::int32_t* targets) = 0;
  /// Clips, steps the optimizer, clears the gradients; returns the norm before clipping. A norm
  /// that is not finite changes nothing.
  virtual double update(double learning_rate) = 0;
  /// Mean loss of [batch, length] tokens, with batch at most options().batch.
  virtual double evaluate(Index batch, const std::int32_t* tokens, const std::int32_t* targets) = 0;
  /// Unnormalised log-probabilities of the token after `window`, which is 1 .. context() long.
  virtual void next_token(std::span<const std::int32_t> window, std::vector<double>& logits) = 0;

  /// The parameters first, then the optimizer's streams; all are laid out by `parameters`.
  virtual std::vector<StateVector> state() = 0;
  virtual std::int64_t clock() const = 0;
  virtual void set_clock(std::int64_t steps) = 0;
  /// Where the first NaN or infinity is, in words; empty if every parameter and gradient is finite.
  virtual std::string first_bad_tensor() const = 0;
};

namespace detail {

/// `'layers.3.mlp.w1.weight' (layer 3)`: the first tensor with a value that is not finite.
template <class T>
std::string first_bad_tensor(const ParameterTable& table, const T* values) {
  for (const ParameterInfo& entry : table.entries())
    for (Index i = 0; i < entry.size; ++i)
      if (!std::isfinite(values[entry.offset + i])) {
        std::string where = "'" + entry.name + "'";
        constexpr std::string_view layers = "layers.";
        if (entry.name.starts_with(layers)) {
          const auto number = entry.name.substr(layers.size());
          where += " (layer " + number.substr(0, number.find('.')) + ")";
        }
        return where;
      }
  return {};
}

/// The type of a model's Pass, wherever it is defined.
template <class M, class P>
P pass_type(MemoryPlan (M::*)(Index, Index, P) const);

}  // namespace detail

/// One model and one optimizer, trained step by step: a pure description.
///
///   using Tmm = Trainer<LanguageModel<shape, Stack<Block>>, WeightOptimizer<AdamW>>;
///   Tmm::on<Cpu, float> trainer(model_options, groups, trainer_options);
///   trainer.allocate();
///   trainer.accumulate(tokens, targets);
///   trainer.update(1e-3);
///
/// Contract  Model::on<B, T> and Optimizer::on<B, T> are the drivers of depth/ and weights/, or
///           have their members.
/// Limits    clip = 0 leaves gradients as they are; a norm below `clip` does too.
template <class Model, class Optimizer>
struct Trainer {
  template <class Backend, class T>
  class on final : public AnyTrainer {
   public:
    using model_type = typename Model::template on<Backend, T>;
    using optimizer_type = typename Optimizer::template on<Backend, T>;

    template <class ModelOptions, class Groups>
    on(const ModelOptions& model, Groups groups, const TrainerOptions& options)
        : model_(model), options_(options) {
      if (options.batch < 1) fail("batch is ", options.batch, " sequences; expected at least 1");
      if (options.accumulate < 1)
        fail("accumulate is ", options.accumulate, " passes; expected at least 1");
      if (options.length < 1 || options.length > context())
        fail("sequence length is ", options.length, "; expected 1 to the model's context of ",
             context());
      if (!(options.clip >= 0)) fail("clip is ", options.clip, "; expected 0 (off) or more");
      if (options.threads < 0) fail("threads is ", options.threads, "; expected 0 (all) or more");
      make_optimizer_ = [](const ParameterTable& table, const void* copied) {
        return std::make_unique<optimizer_type>(table, *static_cast<const Groups*>(copied));
      };
      groups_ = std::make_shared<Groups>(std::move(groups));
    }

    const TrainerOptions& options() const override { return options_; }
    const ParameterTable& parameters() const override { return model_.parameters(); }
    Index vocabulary() const override { return model_.options().vocabulary; }
    Index context() const override { return model_.options().context; }

    std::vector<PlannedMemory> plan() const override {
      const Index vector = parameters().total() * static_cast<Index>(sizeof(T));
      const auto pass = [&](Pass p) {
        return model_.plan(options_.batch, options_.length, p).bytes();
      };
      return {{"parameters", vector},
              {"gradients", vector},
              {"optimizer", optimizer_type::stream_count * vector},
              {"activations of training", pass(Pass::training)},
              {"activations of validation", pass(Pass::evaluation)}};
    }

    void allocate() override {
      context_ = std::make_unique<context_t<Backend>>(options_.threads);
      values_.reset(parameters().total());
      gradients_.reset(parameters().total());
      model_.initialise(values_.data(), options_.seed);
      optimizer_ = make_optimizer_(parameters(), groups_.get());
      training_ = workspace(options_.batch, options_.length, Pass::training);
      evaluation_ = workspace(options_.batch, options_.length, Pass::evaluation);
    }

    double accumulate(const std::int32_t* tokens, const std::int32_t* targets) override {
      return model_.loss_and_gradients(*context_, values_.data(), *training_, tokens, targets,
                                       gradients_.data(),
                                       1.0 / static_cast<double>(options_.accumulate));
    }

    double update(double learning_rate) override {
      using backend = kernels<Backend>;
      const double norm =
          std::sqrt(backend::sum_of_squares(*context_, gradients_.size(), gradients_.data()));
      if (!std::isfinite(norm)) return norm;
      const double factor = options_.clip > 0 && norm > options_.clip ? options_.clip / norm : 1;
      optimizer_->step(*context_, values_.data(), gradients_.data(), factor, learning_rate);
      backend::fill(*context_, gradients_.size(), T(0), gradients_.data());
      return norm;
    }

    double evaluate(Index batch, const std::int32_t* tokens, const std::int32_t* targets) override {
      auto* memory = evaluation_.get();
      if (batch != options_.batch) {
        if (remainder_batch_ != batch)
          remainder_ = workspace(remainder_batch_ = batch, options_.length, Pass::evaluation);
        memory = remainder_.get();
      }
      return model_.loss(*context_, values_.data(), *memory, tokens, targets);
    }

    void next_token(std::span<const std::int32_t> window, std::vector<double>& logits) override {
      const auto length = static_cast<Index>(window.size());
      const auto memory = workspace(1, length, Pass::evaluation);
      std::vector<T> out;
      if constexpr (requires {
                      model_.next_token_logits(*context_, values_.data(), *memory, window.data(),
                                               out.data());
                    }) {
        out.resize(static_cast<std::size_t>(vocabulary()));
        model_.next_token_logits(*context_, values_.data(), *memory, window.data(), out.data());
      } else {
        out.resize(static_cast<std::size_t>(length * vocabulary()));
        model_.logits(*context_, values_.data(), *memory, window.data(), out.data());
      }
      logits.assign(out.end() - vocabulary(), out.end());
    }

    std::vector<StateVector> state() override {
      std::vector<StateVector> vectors{{"parameters", dtype_of<T>, values_.data(), values_.size()}};
      for (auto& stream : optimizer_->streams())
        vectors.push_back({stream.name, dtype_of<T>, stream.data, stream.size});
      return vectors;
    }
    std::int64_t clock() const override { return optimizer_->clock(); }
    void set_clock(std::int64_t steps) override { optimizer_->set_clock(steps); }

    std::string first_bad_tensor() const override {
      if (auto where = detail::first_bad_tensor(parameters(), values_.data()); !where.empty())
        return "parameter " + where;
      if (auto where = detail::first_bad_tensor(parameters(), gradients_.data()); !where.empty())
        return "the gradient of " + where;
      return {};
    }

   private:
    using Pass = decltype(detail::pass_type(&model_type::plan));
    using Workspace = typename model_type::Workspace;

    std::unique_ptr<Workspace> workspace(Index batch, Index length, Pass pass) const {
      return std::make_unique<Workspace>(model_.workspace(batch, length, pass));
    }

    model_type model_;
    TrainerOptions options_;
    std::unique_ptr<optimizer_type> (*make_optimizer_)(const ParameterTable&, const void*);
    std::shared_ptr<void> groups_;
    std::unique_ptr<context_t<Backend>> context_;
    Buffer<T> values_, gradients_;
    std::unique_ptr<optimizer_type> optimizer_;
    std::unique_ptr<Workspace> training_, evaluation_, remainder_;
    Index remainder_batch_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
