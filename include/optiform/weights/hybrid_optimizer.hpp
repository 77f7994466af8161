// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <optiform/weights/muon.hpp>
#include <optiform/weights/weight_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Two optimizers for one model, routed by what a tensor is for: `Matrices` trains its matrices,
/// `Others` embeddings, norms, scalars and the head; or `Others` trains everything, which is a
/// run-time choice.
///
///   using Recipe = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
///   Recipe::on<Cpu, float> optimizer(model.parameters());
///   optimizer.step(context, values, gradients, 1, 6e-4);
///
/// Contract  one learning rate scales all groups by their factors. Each optimizer keeps streams for
///           its own tensors only.
template <class Matrices, class Others>
struct HybridOptimizer {
  template <class Backend, class T>
  class on {
    using First = typename Matrices::template on<Backend, T>;
    using Second = typename Others::template on<Backend, T>;

   public:
    using Context = context_t<Backend>;

    /// The defaults are the recipe of Muon and AdamW at a learning rate of 6e-4: 0.02 for matrices
    /// (or what else is usual for their optimizer), without decay; 6e-4 for embeddings and the
    /// head, decay 0.1; 6e-4 for norms and 3e-3 for scalars, without decay.
    struct Options {
      bool hybrid = true;  ///< false: `Others` trains the matrices too
      typename First::Options matrices = First::defaults();
      typename Second::Options others = Second::defaults();

      Options() {
        if constexpr (requires { First::usual_rate; })
          matrices.learning_rate_factor = First::usual_rate / 6e-4;
        others.scalar.learning_rate_factor = 5;
      }
      /// One optimizer for everything.
      Options(typename Second::Options all) : hybrid(false), others(std::move(all)) {}

      Roles roles() const { return hybrid ? Roles{Role::matrix} : Roles{}; }
    };

    explicit on(const ParameterTable& table, const Options& options = {})
        : others_(table, options.others, options.roles().others()) {
      if (options.hybrid) matrices_.emplace(table, options.matrices, options.roles());
    }

    static Options defaults() { return {}; }

    /// Bytes of both.
    static Index planned_bytes(const ParameterTable& table, const Options& options, int threads) {
      const Roles roles = options.roles();
      const Index others = Second::planned_bytes(table, options.others, threads, roles.others());
      if (!options.hybrid) return others;
      return others + First::planned_bytes(table, options.matrices, threads, roles);
    }

    void step(Context& context, T* values, const T* gradients, double gradient_factor,
              double learning_rate) {
      others_.step(context, values, gradients, gradient_factor, learning_rate);
      if (matrices_) matrices_->step(context, values, gradients, gradient_factor, learning_rate);
    }
    /// The same, and all gradients are zero afterwards.
    void step_and_clear(Context& context, T* values, T* gradients, double gradient_factor,
                        double learning_rate) {
      others_.step_and_clear(context, values, gradients, gradient_factor, learning_rate);
      if (matrices_)
        matrices_->step_and_clear(context, values, gradients, gradient_factor, learning_rate);
    }

    /// Writes what the optimizers' rules show at the end; see WeightOptimizer.
    void read_out(Context& context, const T* values, T* out) {
      others_.read_out(context, values, out);
      if (matrices_) matrices_->read_out(context, values, out);
    }

    /// The streams of both; those of the matrices say so where both have one of the same name.
    std::vector<NamedStream<T>> streams() {
      auto all = others_.streams();
      if (!matrices_) return all;
      for (auto& stream : matrices_->streams()) {
        for (const auto& other : all)
          if (other.name == stream.name) {
            stream.name = "matrices." + stream.name;
            break;
          }
        all.push_back(std::move(stream));
      }
      return all;
    }
    std::int64_t clock() const { return others_.clock(); }
    void set_clock(std::int64_t steps) {
      others_.set_clock(steps);
      if (matrices_) matrices_->set_clock(steps);
    }

   private:
    std::optional<First> matrices_;
    Second others_;
  };
};

OPTIFORM_NAMESPACE_END
