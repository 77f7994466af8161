// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <tuple>
#include <utility>

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/unrolled.hpp>
#include <optiform/policy/concepts.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The options of a policy that has some.
struct NoOptions {};
template <class Policy>
struct policy_options {
  using type = NoOptions;
};
template <class Policy>
  requires requires { typename Policy::Options; }
struct policy_options<Policy> {
  using type = typename Policy::Options;
};

/// Whether an improvement step has a loss and a gradient that stabilizers can change.
template <class Improvement>
consteval bool takes_gradient_hooks() {
  if constexpr (requires { Improvement::takes_gradient_hooks; })
    return Improvement::takes_gradient_hooks;
  return true;
}

template <class PolicyOn, class Environment, class Options>
PolicyOn make_policy(const Environment& environment, const Options& options) {
  if constexpr (std::same_as<Options, NoOptions>) {
    return PolicyOn(environment);
  } else {
    return PolicyOn(environment, options);
  }
}

}  // namespace detail

/// A policy-optimization algorithm: what is increased and how (Surrogate), what is known about the
/// current policy (Critic), and what looks into an iteration (Stabilizers). A pure description;
/// `on<Policy, Environment, Backend, T>` instantiates it, for a bandit as for a robot.
///
///   using Apg = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, ValueRestart>;
///   Apg::on<SoftmaxTable, TabularMdp<5, 5>, Cpu> apg(mdp, context, options);
///   while (apg.gap() > 1e-6) apg.step();
///
/// Hooks     run in the order of the declaration, at these places of an iteration:
///             behaviour     before the critic collects
///             batch         what it collected
///             target        before the critic learns
///             advantage     before the surrogate sees it
///             loss          with each evaluation of the surrogate
///             gradient      before a rule's step
///             after_update  when parameters have moved
template <class S, class C, class... Stabilizers>
  requires Surrogate<S> && Critic<C>
struct PolicyOptimizer {
  using Hooked = std::tuple<typename detail::stabilizer_slot<C, Stabilizers>::type...>;
  static_assert(
      detail::takes_gradient_hooks<typename S::Improvement>() ||
          !(... || (detail::has_loss_hook<Stabilizers> || detail::has_gradient_hook<Stabilizers>)),
      "optiform: PolicyOptimizer - a stabilizer changes the loss or the gradient, which this "
      "improvement step has none of; use GradientStep<Rule>, or drop the stabilizer");

  template <class Policy, class Environment, class Backend, class T = double>
    requires PolicyParametrisation<Policy> &&
        GoTogether<Policy, Environment, C, typename S::Improvement>
  class on {
   public:
    using PolicyOn = typename Policy::template on<Environment, Backend, T>;
    using ImprovementOn = typename S::Improvement::template on<PolicyOn, Backend, T>;
    using CriticOn = typename C::template on<PolicyOn, Environment, Backend, T>;
    using Scalar = T;
    static constexpr bool has_model = C::data_kind == DataKind::model;

    struct Options {
      S surrogate{};
      typename S::Improvement::Options improvement{};
      typename C::Options critic{};
      Hooked stabilizers{};
      typename detail::policy_options<Policy>::type policy{};
    };

    on(const Environment& environment, context_t<Backend>& context, Options options = {})
        : surrogate_(std::move(options.surrogate)),
          stabilizers_(std::move(options.stabilizers)),
          policy_(detail::make_policy<PolicyOn>(environment, options.policy)),
          improvement_(policy_, context, std::move(options.improvement)),
          critic_(environment, context, policy_, std::move(options.critic)) {
      if constexpr (has_model)
        for (int i = 0; i < lane_count<T>; ++i) start_from(environment.start_logits(i).data(), i);
      else {
        policy_.initialise(improvement_.parameters());
        begin();
      }
    }
    /// In an environment whose type says all of it; a critic without a model keeps a copy.
    explicit on(context_t<Backend>& context,
                Options options = {}) requires(!has_model &&
                                               std::default_initializable<Environment>)
        : on(Environment{}, context, std::move(options)) {}
    on(const on&) = delete;
    on& operator=(const on&) = delete;

    /// Starts again from logits, [states, actions], in one lane.
    void start_from(const double* logits, int lane = 0) {
      policy_.from_logits(logits, lane, improvement_.parameters());
      begin();
    }

    /// One iteration: collect, improve, learn.
    void step() {
      ++iteration_;
      each([&]<class H>(H& hook) OPTIFORM_INLINE_LAMBDA {
        if constexpr (detail::has_behaviour_hook<H>) hook.behaviour(*this);
      });
      batch_ = &critic_.evaluate(policy_, improvement_.point());
      each([&]<class H>(H& hook) OPTIFORM_INLINE_LAMBDA {
        if constexpr (detail::has_batch_hook<H>) hook.batch(*this);
        if constexpr (detail::has_target_hook<H>) hook.target(*this);
        if constexpr (detail::has_advantage_hook<H>) hook.advantage(*this);
      });
      Hooks hooks{*this};
      improvement_.improve(surrogate_, *batch_, hooks);
      if constexpr (requires { critic_.learn(policy_, *batch_); }) critic_.learn(policy_, *batch_);
      critic_.forget();
      each([&]<class H>(H& hook) OPTIFORM_INLINE_LAMBDA {
        if constexpr (detail::has_after_update_hook<H>) hook.after_update(*this);
      });
    }

    std::int64_t iteration() const { return iteration_; }

    /// The objective and its distance from the best policy's, at the iterate and at the point
    /// where the next data will be taken. They need a critic that provides them.
    OPTIFORM_INLINE T objective() requires((C::provides & objective_value) != 0) {
      if constexpr (ImprovementOn::point_is_iterate) return query_objective();
      return critic_.iterate_objective(policy_, improvement_.parameters());
    }
    OPTIFORM_INLINE T query_objective() requires((C::provides & objective_value) != 0) {
      return critic_.query_objective(policy_, improvement_.point());
    }
    T gap() requires((C::provides & optimality_gap) != 0) {
      if constexpr (ImprovementOn::point_is_iterate) return query_gap();
      return critic_.iterate_gap(policy_, improvement_.parameters());
    }
    T query_gap() requires((C::provides & optimality_gap) != 0) {
      return critic_.query_gap(policy_, improvement_.point());
    }

    /// Forgets the improvement's streams in the lanes of the mask.
    template <class Mask>
    void restart(const Mask& mask) {
      improvement_.restart(mask);
      critic_.forget_query();
    }

    S& surrogate() { return surrogate_; }
    PolicyOn& policy() { return policy_; }
    ImprovementOn& improvement() { return improvement_; }
    CriticOn& critic() { return critic_; }
    auto& batch() { return *batch_; }
    T* parameters() { return improvement_.parameters(); }
    /// Stabilizer of a type.
    template <class H>
    H& stabilizer() {
      return std::get<H>(stabilizers_);
    }

   private:
    struct Hooks {
      on& state;
      OPTIFORM_INLINE void gradient() {
        state.each([&]<class H>(H& hook) OPTIFORM_INLINE_LAMBDA {
          if constexpr (detail::has_gradient_hook<H>) hook.gradient(state);
        });
      }
      OPTIFORM_INLINE void loss() {
        state.each([&]<class H>(H& hook) OPTIFORM_INLINE_LAMBDA {
          if constexpr (detail::has_loss_hook<H>) hook.loss(state);
        });
      }
    };

    template <class F>
    OPTIFORM_INLINE void each(F&& f) {
      std::apply([&](auto&... hooks) OPTIFORM_INLINE_LAMBDA { (f(hooks), ...); }, stabilizers_);
    }
    void begin() {
      iteration_ = 0;
      improvement_.begin();
      critic_.forget();
    }

    S surrogate_;
    Hooked stabilizers_;
    PolicyOn policy_;
    ImprovementOn improvement_;
    CriticOn critic_;
    typename CriticOn::Batch* batch_ = nullptr;
    std::int64_t iteration_ = 0;
  };
};

OPTIFORM_NAMESPACE_END
