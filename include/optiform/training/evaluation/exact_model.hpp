// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <optiform/depth/layer_map.hpp>
#include <optiform/training/evaluation/parameter_vector.hpp>
#include <optiform/training/evaluation/random_crops.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A trained model in dual numbers, whatever its type is: derivatives of gradients and of layers to
/// the last digit, without a step to choose.
///
/// Contract  `assign` comes first.
class AnyExactModel {
 public:
  virtual ~AnyExactModel() = default;
  virtual const ParameterTable& parameters() const = 0;
  /// Takes a trainer's parameters. Errors  another layout than this model's.
  virtual void assign(AnyTrainer& trainer) = 0;

  /// out = H v, H the Hessian of the mean loss over the batches: the derived backward pass on
  /// parameters theta + v eps.
  virtual void hessian_product(const TokenBatches& batches, const ParameterVector& v,
                               ParameterVector& out) = 0;
  /// The same as the function of v and out that measure_curvature takes.
  /// Contract  this model and the batches outlive it.
  auto hessian(const TokenBatches& batches) {
    return [this, &batches](const ParameterVector& v, ParameterVector& out) {
      hessian_product(batches, v, out);
    };
  }

  // ---- its layers as functions: see LayerMap
  virtual Index layers() const = 0;
  /// Computes the states of all layers for [batch, length] tokens.
  virtual void run(Index batch, Index length, const std::int32_t* tokens) = 0;
  virtual void select(Index layer, LayerPart part) = 0;
  virtual Index size() const = 0;
  virtual void product(const double* v, double* out) = 0;
  virtual void transposed_product(const double* w, double* out) = 0;
};

/// The exact form of Model: ExactModel<Model>::on<Reference>, or on the faster DualCpu.
template <class Model>
struct ExactModel {
  template <class Backend>
  class on final : public AnyExactModel {
    using T = Dual<double>;
    using On = typename Model::template on<Backend, T>;

   public:
    explicit on(LanguageModelOptions options, int threads = 0)
        : model_(keeping_all(std::move(options))),
          context_(threads),
          values_(model_.parameters().total()),
          gradients_(values_.size()) {}

    const ParameterTable& parameters() const override { return model_.parameters(); }

    void assign(AnyTrainer& trainer) override {
      const StateVector from = trainer.state()[0];
      if (from.size != values_.size())
        fail("the trainer has ", from.size, " parameters, gaps included; expected the model's ",
             values_.size());
      map_.reset();
      detail::with_scalar(from.dtype, from.data, [&](const auto* x) {
        for (Index i = 0; i < values_.size(); ++i) values_[i] = T(static_cast<double>(x[i]));
      });
    }

    void hessian_product(const TokenBatches& batches, const ParameterVector& v,
                         ParameterVector& out) override {
      auto& workspace = workspace_for(batches.batch, batches.length);
      for (Index i = 0; i < values_.size(); ++i) {
        values_[i].derivative = v[static_cast<std::size_t>(i)];
        gradients_[i] = T(0);
      }
      const double share = 1 / static_cast<double>(batches.count);
      batches.each([&](const std::int32_t* tokens, const std::int32_t* targets) {
        model_.loss_and_gradients(context_, values_.data(), workspace, tokens, targets,
                                  gradients_.data(), share);
      });
      out.resize(v.size());
      for (Index i = 0; i < values_.size(); ++i) {
        out[static_cast<std::size_t>(i)] = gradients_[i].derivative;
        values_[i].derivative = 0;
      }
    }

    Index layers() const override {
      Index sum = 0;
      for (const Index stack : model_.options().layers) sum += stack;
      return sum;
    }
    void run(Index batch, Index length, const std::int32_t* tokens) override {
      if (!map_ || map_batch_ != batch || map_length_ != length)
        map_ = std::make_unique<typename On::LayerMap>(model_, values_.data(), batch, length,
                                                       context_);
      map_batch_ = batch;
      map_length_ = length;
      map_->run(tokens);
    }
    void select(Index layer, LayerPart part) override { map().select(layer, part); }
    Index size() const override { return map_ ? map_->size() : 0; }
    void product(const double* v, double* out) override { map().product(v, out); }
    void transposed_product(const double* w, double* out) override {
      map().transposed_product(w, out);
    }

   private:
    static LanguageModelOptions keeping_all(LanguageModelOptions options) {
      options.recompute = Recompute::nothing;
      return options;
    }
    typename On::Workspace& workspace_for(Index batch, Index length) {
      if (!workspace_ || workspace_->layout().batch < batch || workspace_->layout().length < length)
        workspace_.emplace(model_.workspace(batch, length, Pass::training));
      workspace_->resize(batch, length);
      return *workspace_;
    }
    typename On::LayerMap& map() {
      if (!map_) fail("a layer was selected before the model has run; call run first");
      return *map_;
    }

    On model_;
    typename On::Context context_;
    Buffer<T> values_, gradients_;
    std::optional<typename On::Workspace> workspace_;
    std::unique_ptr<typename On::LayerMap> map_;
    Index map_batch_ = 0, map_length_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
