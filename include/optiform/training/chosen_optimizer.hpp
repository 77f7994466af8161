// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Training weights whatever the optimizer's type is. See WeightOptimizer for what members do.
template <class Backend, class T>
class AnyOptimizer {
 public:
  using Context = context_t<Backend>;

  virtual ~AnyOptimizer() = default;
  virtual void step(Context& context, T* values, const T* gradients, double gradient_factor,
                    double learning_rate) = 0;
  virtual void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                              double learning_rate) = 0;
  virtual void read_out(Context& context, const T* values, T* out) = 0;
  virtual std::vector<NamedStream<T>> streams() = 0;
  virtual std::int64_t clock() const = 0;
  virtual void set_clock(std::int64_t steps) = 0;
};

/// A type of optimizer and its numbers, as a value.
template <class Backend, class T>
class OptimizerChoice {
 public:
  /// The given optimizer, as `OptimizerChoice<Cpu, float>::of<WeightOptimizer<AdamW>>()`.
  template <class Optimizer>
  static OptimizerChoice of(typename Optimizer::template on<Backend, T>::Options options =
                                Optimizer::template on<Backend, T>::defaults()) {
    static_assert(!MatricesOnly<typename Optimizer::template on<Backend, T>>,
                  "optiform: OptimizerChoice - the optimizer trains matrices only, and nobody "
                  "would train embeddings, norms "
                  "and the head; expected HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>> "
                  "or another pair");
    OptimizerChoice choice;
    choice.maker_ = std::make_shared<MakerOf<Optimizer>>(std::move(options));
    return choice;
  }

  std::unique_ptr<AnyOptimizer<Backend, T>> make(const ParameterTable& table) const {
    return maker().make(table);
  }
  Index planned_bytes(const ParameterTable& table, int threads) const {
    return maker().planned_bytes(table, threads);
  }

 private:
  struct Maker {
    virtual ~Maker() = default;
    virtual std::unique_ptr<AnyOptimizer<Backend, T>> make(const ParameterTable&) const = 0;
    virtual Index planned_bytes(const ParameterTable&, int threads) const = 0;
  };

  template <class Optimizer>
  struct MakerOf final : Maker {
    using Chosen = typename Optimizer::template on<Backend, T>;
    explicit MakerOf(typename Chosen::Options numbers) : options(std::move(numbers)) {}

    std::unique_ptr<AnyOptimizer<Backend, T>> make(const ParameterTable& table) const override {
      return std::make_unique<Made<Chosen>>(table, options);
    }
    Index planned_bytes(const ParameterTable& table, int threads) const override {
      return Chosen::planned_bytes(table, options, threads);
    }
    typename Chosen::Options options;
  };

  template <class Chosen>
  class Made final : public AnyOptimizer<Backend, T> {
    using Context = context_t<Backend>;

   public:
    Made(const ParameterTable& table, const typename Chosen::Options& options)
        : chosen_(table, options) {}

    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) override {
      chosen_.step(context, values, gradients, gradient_factor, learning_rate);
    }
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) override {
      chosen_.step_and_clear(context, values, gradients, gradient_factor, learning_rate);
    }
    void read_out(Context& context, const T* values, T* out) override {
      chosen_.read_out(context, values, out);
    }
    std::vector<NamedStream<T>> streams() override { return chosen_.streams(); }
    std::int64_t clock() const override { return chosen_.clock(); }
    void set_clock(std::int64_t steps) override { chosen_.set_clock(steps); }

   private:
    Chosen chosen_;
  };

  const Maker& maker() const {
    if (!maker_) fail("no optimizer was chosen; expected OptimizerChoice<...>::of<...>()");
    return *maker_;
  }

  std::shared_ptr<const Maker> maker_;
};

/// An optimizer that is chosen when the program runs, so that a program compiles every model once
/// and every optimizer once, not every pair.
///
///   using Recipe = Trainer<Model, ChosenOptimizer>;
///   using Soap = HybridOptimizer<SoapOptimizer, WeightOptimizer<AdamW>>;
///   Recipe::on<Cpu, float> trainer(model, OptimizerChoice<Cpu, float>::of<Soap>(), {});
struct ChosenOptimizer {
  template <class Backend, class T>
  class on {
   public:
    using Context = context_t<Backend>;
    using Options = OptimizerChoice<Backend, T>;

    on(const ParameterTable& table, const Options& choice) : chosen_(choice.make(table)) {}

    static Options defaults() { return {}; }
    static Index planned_bytes(const ParameterTable& table, const Options& choice, int threads) {
      return choice.planned_bytes(table, threads);
    }
    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      chosen_->step(context, values, gradients, gradient_factor, learning_rate);
    }
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      chosen_->step_and_clear(context, values, gradients, gradient_factor, learning_rate);
    }
    void read_out(Context& context, const T* values, T* out) {
      chosen_->read_out(context, values, out);
    }
    std::vector<NamedStream<T>> streams() { return chosen_->streams(); }
    std::int64_t clock() const { return chosen_->clock(); }
    void set_clock(std::int64_t steps) { chosen_->set_clock(steps); }

   private:
    std::unique_ptr<AnyOptimizer<Backend, T>> chosen_;
  };
};

OPTIFORM_NAMESPACE_END
