// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/depth/workspace.hpp>
#include <optiform/training/any_trainer.hpp>
#include <optiform/training/trainer_inspector.hpp>
#include <optiform/weights/average.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

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

}  // namespace detail

/// One model and one optimizer, trained step by step: a pure description.
///
///   using Tmm = Trainer<LanguageModel<shape, Stack<Block>>, WeightOptimizer<AdamW>>;
///   Tmm::on<Cpu, float> trainer(model_options, optimizer_options, trainer_options);
///   trainer.allocate(Purpose::training);
///   trainer.accumulate(tokens, targets);
///   trainer.update(1e-3);
///
/// Contract  Model::on<B, T> and Optimizer::on<B, T> are the drivers of depth/ and weights/, or
///           have their members. An update reads each gradient twice, for the norm and for the step
///           that clears it, and writes it once. For an optimizer that perturbs the parameters
///           (SharpnessAware) it repeats its passes there; the norm is that of the second gradient.
/// Limits    clip = 0 leaves gradients as they are; a norm below `clip` does too.
template <class Model, class Optimizer>
struct Trainer {
  template <class Backend, class T>
  class on final : public AnyTrainer {
   public:
    using backend_type = Backend;
    using model_type = typename Model::template on<Backend, T>;
    using optimizer_type = typename Optimizer::template on<Backend, T>;
    static_assert(!MatricesOnly<optimizer_type>,
                  "optiform: Trainer - the optimizer trains matrices only, and nobody would train "
                  "embeddings, norms "
                  "and the head; expected HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>> "
                  "or another pair");

    template <class ModelOptions>
    on(const ModelOptions& model, typename optimizer_type::Options optimizer,
       const TrainerOptions& options)
        : model_(model),
          optimizer_options_(std::move(optimizer)),
          options_(options),
          average_(options.average) {
      if (options.batch < 1) fail("batch is ", options.batch, " sequences; expected at least 1");
      if (options.accumulate < 1)
        fail("accumulate is ", options.accumulate, " passes; expected at least 1");
      if (options.length < 1 || options.length > context())
        fail("sequence length is ", options.length, "; expected 1 to the model's context of ",
             context());
      if (!(options.clip >= 0)) fail("clip is ", options.clip, "; expected 0 (off) or more");
      if (options.threads < 0) fail("threads is ", options.threads, "; expected 0 (all) or more");
    }

    const TrainerOptions& options() const override { return options_; }
    const ParameterTable& parameters() const override { return model_.parameters(); }
    Index vocabulary() const override { return model_.options().vocabulary; }
    Index context() const override { return model_.options().context; }

    std::vector<PlannedMemory> plan(Purpose purpose) const override {
      const Index vector = parameters().total() * static_cast<Index>(sizeof(T));
      const auto pass = [&](Pass p) {
        return model_.plan(options_.batch, options_.length, p).bytes();
      };
      const Index scratch = context_ != nullptr ? context_->scratch_bytes() : 0;
      if (purpose == Purpose::inference)
        return {
            {"parameters", vector}, {"activations", pass(Pass::evaluation)}, {"kernels", scratch}};
      std::vector<PlannedMemory> items{
          {"parameters", vector},
          {"gradients", vector},
          {"optimizer",
           optimizer_type::planned_bytes(parameters(), optimizer_options_,
                                         context_t<Backend>::threads_of(options_.threads))}};
      if (const Index bytes = 2 * kept_tokens() * static_cast<Index>(sizeof(std::int32_t)))
        items.push_back({"batches", bytes});
      if (options_.average > 0) items.push_back({average_stream, vector});
      items.push_back({"activations", pass(Pass::training)});
      items.push_back({"kernels", scratch});
      return items;
    }

    Index largest_batch(Purpose purpose, Index bytes) const override {
      const Pass pass = purpose == Purpose::training ? Pass::training : Pass::evaluation;
      const auto activations = [&](Index batch) {
        return model_.plan(batch, options_.length, pass).bytes();
      };
      Index rest = -activations(options_.batch);
      for (const PlannedMemory& item : plan(purpose)) rest += item.bytes;
      return optiform::largest_batch(bytes - rest, activations);
    }

    void allocate(Purpose purpose) override {
      const bool training = purpose == Purpose::training;
      context_ = std::make_unique<context_t<Backend>>(options_.threads);
      values_.reset(parameters().total());
      model_.initialise(values_.data(), options_.seed);
      workspace_ = std::make_unique<Workspace>(model_.workspace(
          options_.batch, options_.length, training ? Pass::training : Pass::evaluation));
      if (!training) return;
      gradients_.reset(parameters().total());
      optimizer_ = std::make_unique<optimizer_type>(parameters(), optimizer_options_);
      if (options_.average > 0) average_.start(*context_, values_);
      tokens_.reset(kept_tokens());
      targets_.reset(kept_tokens());
    }

    double accumulate(const std::int32_t* tokens, const std::int32_t* targets) override {
      if (tokens_.size() > 0) {
        if (passes_ == options_.accumulate)
          fail("accumulate was called ", passes_ + 1, " times since the last update; expected ",
               options_.accumulate, ", since sharpness-aware steps repeat the passes");
        const Index size = options_.batch * options_.length, at = passes_++ * size;
        std::copy_n(tokens, size, tokens_.data() + at);
        std::copy_n(targets, size, targets_.data() + at);
      }
      return pass(tokens, targets);
    }

    double update(double learning_rate) override {
      double norm = gradient_norm();
      if constexpr (second_gradients) {
        if (std::isfinite(norm) && optimizer_->perturbs()) {
          optimizer_->perturb(*context_, values_.data(), gradients_.data());
          repeat_passes();
          optimizer_->restore(*context_, values_.data());
          norm = gradient_norm();
        }
      }
      passes_ = 0;
      if (!std::isfinite(norm)) return norm;
      const double factor = options_.clip > 0 && norm > options_.clip ? options_.clip / norm : 1;
      optimizer_->step_and_clear(*context_, values_.data(), gradients_.data(), factor,
                                 learning_rate);
      if (average_.size() > 0) average_.update(*context_, values_.data(), optimizer_->clock());
      return norm;
    }

    double evaluate(Index batch, const std::int32_t* tokens, const std::int32_t* targets) override {
      workspace_->resize(batch, options_.length);
      return model_.loss(*context_, weights(), *workspace_, tokens, targets);
    }

    std::unique_ptr<AnyDecoder> decoder(Index sequences, Index capacity) override {
      return std::make_unique<TrainerDecoder>(*this, sequences, capacity);
    }

    std::unique_ptr<AnyInspector> inspector() override {
      if constexpr (requires { typename model_type::Inspector; })
        return std::make_unique<TrainerInspector<on>>(*this);
      else
        fail("the model has no layers to look into");
    }

    void use_average(bool use) override { use_average_ = use; }

    std::vector<StateVector> state() override {
      std::vector<StateVector> vectors{{"parameters", dtype_of<T>, values_.data(), values_.size()}};
      if (optimizer_ == nullptr) return vectors;
      for (auto& stream : optimizer_->streams())
        vectors.push_back({stream.name, dtype_of<T>, stream.data, stream.size});
      if (average_.size() > 0)
        vectors.push_back({average_stream, dtype_of<T>, average_.data(), average_.size()});
      return vectors;
    }
    StateVector gradients() override {
      return {"gradients", dtype_of<T>, gradients_.data(), gradients_.size()};
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
    template <class>
    friend class TrainerInspector;
    using Workspace = typename model_type::Workspace;
    static constexpr bool second_gradients = requires(const optimizer_type& optimizer) {
      optimizer.perturbs();
    };

    /// Tokens of all passes of one update, where the optimizer may want them again.
    Index kept_tokens() const {
      if constexpr (second_gradients)
        if (optimizer_type::perturbs(optimizer_options_))
          return options_.accumulate * options_.batch * options_.length;
      return 0;
    }

    double pass(const std::int32_t* tokens, const std::int32_t* targets) {
      workspace_->resize(options_.batch, options_.length);
      return model_.loss_and_gradients(*context_, values_.data(), *workspace_, tokens, targets,
                                       gradients_.data(),
                                       1.0 / static_cast<double>(options_.accumulate));
    }
    void repeat_passes() {
      const Index size = options_.batch * options_.length;
      for (Index i = 0; i < passes_; ++i)
        pass(tokens_.data() + i * size, targets_.data() + i * size);
    }
    double gradient_norm() {
      return std::sqrt(
          kernels<Backend>::sum_of_squares(*context_, gradients_.size(), gradients_.data()));
    }

    class TrainerDecoder final : public AnyDecoder {
     public:
      TrainerDecoder(on& trainer, Index sequences, Index capacity)
          : trainer_(trainer),
            decoder_(trainer.model_, sequences, capacity),
            logits_(std::is_same_v<T, float> ? 0 : sequences * trainer.vocabulary()) {}

      Index sequences() const override { return decoder_.sequences(); }
      Index capacity() const override { return decoder_.capacity(); }
      Index vocabulary() const override { return trainer_.vocabulary(); }
      Index length(Index sequence) const override { return decoder_.length(sequence); }
      void restart(Index sequence) override { decoder_.restart(sequence); }
      void pack() override {
        if constexpr (requires { decoder_.pack(trainer_.weights()); })
          decoder_.pack(trainer_.weights());
      }
      void append(std::span<const Tokens> tokens, std::span<float> logits) override {
        if constexpr (std::is_same_v<T, float>) {
          decoder_.append(*trainer_.context_, trainer_.weights(), tokens, logits.data());
        } else {
          decoder_.append(*trainer_.context_, trainer_.weights(), tokens, logits_.data());
          for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] = static_cast<float>(logits_[static_cast<Index>(i)]);
        }
      }

     private:
      on& trainer_;
      typename model_type::Decoder decoder_;
      Buffer<T> logits_;
    };
    /// What evaluation sees.
    const T* weights() {
      return use_average_ && average_.size() > 0 ? average_.data() : values_.data();
    }

    model_type model_;
    typename optimizer_type::Options optimizer_options_;
    TrainerOptions options_;
    WeightAverage<Backend, T> average_;
    bool use_average_ = true;
    std::unique_ptr<context_t<Backend>> context_;
    Buffer<T> values_, gradients_;
    Buffer<std::int32_t> tokens_, targets_;  // of the update's passes, if it may repeat them
    Index passes_ = 0;
    std::unique_ptr<optimizer_type> optimizer_;
    std::unique_ptr<Workspace> workspace_;
  };
};

OPTIFORM_NAMESPACE_END
