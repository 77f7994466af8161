// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/policy/improvements/rule_ascent.hpp>
#include <optiform/policy/table_evaluation.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Ascent on the parameters by an update rule: the same type that makes Transformer layers and
/// trains weights.
///
/// Contract  data are taken at the rule's query point, `point()`; what is returned and evaluated is
///           the iterate, `parameters()`. A batch that can be divided gives one step per minibatch
///           and epoch, in an order that it draws for every epoch; a table gives one step per
///           epoch. A restart zeroes the streams, which drops the extrapolation of a rule with a
///           velocity; the clock, which counts steps, goes on.
/// Errors    as RuleAscent; Error for epochs or minibatches below 1, and for a divided table.
template <class R>
struct GradientStep {
  static_assert(UpdateRule<R>);
  using Rule = R;
  static constexpr bool needs_table = false;
  static constexpr bool takes_gradient_hooks = true;

  struct Options {
    double learning_rate = 0;             ///< step size, unless `schedules` moves it
    CoefficientSchedules schedules = {};  ///< by coefficient name; others have their usual values
    int epochs = 1;                       ///< passes over the same data
    int minibatches = 1;                  ///< steps of one pass
  };

  template <class Policy, class Backend, class T>
  class on {
   public:
    using Ascent = RuleAscent<R, Backend, T>;
    using Evaluation = policy_evaluation_t<Policy, Backend, T>;
    /// Whether data are taken at the iterate itself.
    static constexpr bool point_is_iterate = Ascent::asks_at_iterate;

    on(Policy& policy, context_t<Backend>& context, Options options)
        : policy_(policy),
          ascent_(context, policy.size(), options.learning_rate, options.schedules),
          evaluation_(policy, context),
          epochs_(options.epochs),
          minibatches_(options.minibatches) {
      if (epochs_ < 1) fail("epochs = ", epochs_, ", expected at least 1");
      if (minibatches_ < 1) fail("minibatches = ", minibatches_, ", expected at least 1");
      if (requires_whole_batch && minibatches_ > 1)
        fail("minibatches = ", minibatches_, ", expected 1: a table is not divided");
    }

    T* parameters() { return ascent_.parameters(); }
    const T* parameters() const { return ascent_.parameters(); }
    const T* point() const { return ascent_.point(); }
    Index size() const { return ascent_.size(); }
    T* gradient() { return ascent_.gradient(); }
    const T* gradient() const { return ascent_.gradient(); }
    T* stream(int s) { return ascent_.stream(s); }
    /// Step size of the step in progress.
    double rate() const { return ascent_.rate(); }
    /// The policy on the data of the step in progress, for hooks of the loss.
    Evaluation& evaluation() { return evaluation_; }

    /// To be called after parameters() were written from outside.
    void begin() { ascent_.begin(); }

    template <class Surrogate, class Batch, class Hooks>
    OPTIFORM_INLINE void improve(const Surrogate& surrogate, Batch& batch, Hooks& hooks) {
      bool fresh = true;
      for (int epoch = 0; epoch < epochs_; ++epoch) {
        if constexpr (requires { batch.divide(minibatches_); }) {
          batch.divide(minibatches_);
          for (int m = 0; m < minibatches_; ++m) {
            step(surrogate, batch.part(m), fresh, hooks);
            fresh = false;
          }
        } else {
          step(surrogate, batch, fresh, hooks);
          fresh = false;
        }
      }
    }

    /// Forgets the streams in the lanes of the mask.
    template <class Mask>
    void restart(const Mask& mask) {
      ascent_.restart(mask);
    }

   private:
    static constexpr bool requires_whole_batch =
        std::is_same_v<Evaluation, TableEvaluation<Policy, Backend, T>>;

    template <class Surrogate, class Data, class Hooks>
    OPTIFORM_INLINE void step(const Surrogate& surrogate, const Data& data, bool fresh,
                              Hooks& hooks) {
      ascent_.tick();
      evaluation_.gradient(surrogate, data, point(), fresh, gradient(), hooks);
      hooks.gradient();
      ascent_.advance();
      if constexpr (requires { policy_.project(parameters()); }) policy_.project(parameters());
    }

    Policy& policy_;
    Ascent ascent_;
    Evaluation evaluation_;
    int epochs_, minibatches_;
  };
};

OPTIFORM_NAMESPACE_END
