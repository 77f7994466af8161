// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/require.hpp>
#include <optiform/rules/transform.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Opt-ins: `using surrogate_concept = surrogate_tag;` and so on.
struct surrogate_tag {};
struct critic_tag {};
struct stabilizer_tag {};
struct policy_tag {};

/// Where a critic's data come from.
enum class DataKind {
  model,    ///< the transition probabilities: all states and actions at once
  rollout,  ///< episodes of the current policy
  replay    ///< stored transitions and imagined actions
};

/// What a stabilizer may need and a critic may provide, as a set of flags.
enum Provision : unsigned {
  nothing = 0,
  objective_value = 1,  ///< the exact objective of any policy
  optimality_gap = 2,   ///< its distance from the best policy's
  ensemble = 4          ///< several independent estimates of a value
};

/// One action in one state, as a surrogate sees it.
template <class T>
struct ActionPoint {
  T ratio;            ///< pi(a | s) / pi_old(a | s)
  T old_probability;  ///< pi_old(a | s)
  T advantage;        ///< A(s, a)
  T margin;           ///< of a hinge in this state; others ignore it
};

namespace detail {

template <class S>
concept surrogate_opts_in = std::same_as<typename S::surrogate_concept, surrogate_tag>;
template <class S>
concept surrogate_names_improvement = requires {
  typename S::Improvement;
};
template <class S>
concept surrogate_has_value = requires(const S& s, const ActionPoint<double>& p) {
  { s.value(p) } -> std::same_as<double>;
};
template <class S>
concept surrogate_has_derivative = requires(const S& s, const ActionPoint<double>& p) {
  { s.derivative(p) } -> std::same_as<double>;
};

template <class C>
concept critic_opts_in = std::same_as<typename C::critic_concept, critic_tag>;
template <class C>
concept critic_has_kind = requires {
  { C::data_kind } -> std::convertible_to<DataKind>;
};
template <class C>
concept critic_says_what_it_provides = requires {
  { C::provides } -> std::convertible_to<unsigned>;
};

template <class P>
concept policy_opts_in = std::same_as<typename P::policy_concept, policy_tag>;

/// A state of a policy optimizer that accepts every call: enough to find a stabilizer's hooks.
struct AnyState {
  struct Anything {
    template <class U>
    operator U() const;
  };
};

template <class S>
concept has_batch_hook = requires(S& s, AnyState& state) {
  s.batch(state);
};
template <class S>
concept has_target_hook = requires(S& s, AnyState& state) {
  s.target(state);
};
template <class S>
concept has_advantage_hook = requires(S& s, AnyState& state) {
  s.advantage(state);
};
template <class S>
concept has_loss_hook = requires(S& s, AnyState& state) {
  s.loss(state);
};
template <class S>
concept has_behaviour_hook = requires(S& s, AnyState& state) {
  s.behaviour(state);
};
template <class S>
concept has_gradient_hook = requires(S& s, AnyState& state) {
  s.gradient(state);
};
template <class S>
concept has_after_update_hook = requires(S& s, AnyState& state) {
  s.after_update(state);
};

template <class S>
concept stabilizer_opts_in = std::same_as<typename S::stabilizer_concept, stabilizer_tag>;
// Functions, so that compilers do not list every alternative before the sentence.
template <class S>
consteval bool implements_some_hook() {
  return has_batch_hook<S> || has_target_hook<S> || has_advantage_hook<S> || has_loss_hook<S> ||
         has_behaviour_hook<S> || has_gradient_hook<S> || has_after_update_hook<S>;
}
template <class S>
concept stabilizer_has_hook = implements_some_hook<S>();
template <class S>
concept stabilizer_says_what_it_needs = requires {
  { S::needs } -> std::convertible_to<unsigned>;
};

template <class C, class S>
consteval bool provides_if_needed(Provision what) {
  const unsigned missing = S::needs & ~static_cast<unsigned>(C::provides);
  return (missing & what) == 0;
}
template <class C, class S, Provision What>
concept critic_provides = provides_if_needed<C, S>(What);

template <class E>
concept environment_has_model = requires(const E& e) {
  e.states();
  e.actions();
  e.discount();
};
template <class C, class E>
consteval bool finds_model() {
  return C::data_kind != DataKind::model || environment_has_model<E>;
}
template <class C, class E>
concept critic_finds_model = finds_model<C, E>();
template <class Improvement, class Policy>
consteval bool finds_table() {
  return !Improvement::needs_table || Policy::is_table;
}
template <class Improvement, class Policy>
concept improvement_is_for_policy = finds_table<Improvement, Policy>();

/// Whether a rule asks at policies only: logits always are one, of the simplex a look-ahead leaves.
template <class Improvement, class Policy>
consteval bool stays_on_simplex() {
  if constexpr (requires {
                  typename Improvement::Rule;
                  Policy::on_simplex;
                })
    return asks_at_iterate<typename Improvement::Rule>();
  return true;
}
template <class Improvement, class Policy>
concept query_is_policy = stays_on_simplex<Improvement, Policy>();

}  // namespace detail

// clang-format off
/// What is to be increased, as a function of one action's probability, and how the policy is improved.
///
/// Requirements
///   using surrogate_concept = surrogate_tag
///   Improvement                          GradientStep<Rule>, MirrorStep<Map>, RegressionStep<...>, TrustRegionStep
///   T value(ActionPoint<T>) const        the objective of one action; the sum over data is increased
///   T derivative(ActionPoint<T>) const   its derivative with respect to the ratio
/// See  docs/concepts/surrogate.md
template <class S>
concept Surrogate =
    (detail::surrogate_opts_in<S> || unmet<"a surrogate says: using surrogate_concept = optiform::surrogate_tag;">())       //
    && (detail::surrogate_names_improvement<S> || unmet<"add: using Improvement = GradientStep<Adam>; or another step">())   //
    && (detail::surrogate_has_value<S> || unmet<"add: T value(const ActionPoint<T>&) const, for every scalar T">())         //
    && (detail::surrogate_has_derivative<S> || unmet<"add: T derivative(const ActionPoint<T>&) const, for every scalar T">());  //

/// What turns the current policy into states, actions, advantages and weights.
///
/// Requirements
///   using critic_concept = critic_tag
///   static constexpr DataKind data_kind
///   static constexpr unsigned provides    flags of Provision
///   on<Policy, Environment, Backend, T>   with evaluate(policy, parameters) -> batch, see docs
/// See  docs/concepts/critic.md
template <class C>
concept Critic =
    (detail::critic_opts_in<C> || unmet<"a critic says: using critic_concept = optiform::critic_tag;">())                   //
    && (detail::critic_has_kind<C> || unmet<"add: static constexpr DataKind data_kind = DataKind::model;">())               //
    && (detail::critic_says_what_it_provides<C> || unmet<"add: static constexpr unsigned provides = nothing;">());          //

/// What looks into an iteration at one of its hooks: behaviour, batch, target, advantage, loss,
/// gradient, after_update.
///
/// Requirements
///   using stabilizer_concept = stabilizer_tag
///   static constexpr unsigned needs       flags of Provision
///   at least one of the hooks             template <class State> void gradient(State&)
/// See  docs/concepts/stabilizer.md
template <class S>
concept Stabilizer =
    (detail::stabilizer_opts_in<S> || unmet<"a stabilizer says: using stabilizer_concept = optiform::stabilizer_tag;">())   //
    && (detail::stabilizer_says_what_it_needs<S> || unmet<"add: static constexpr unsigned needs = nothing;">())             //
    && (detail::stabilizer_has_hook<S> || unmet<"add a hook: template <class State> void after_update(State&)">());         //

/// How parameters become action probabilities.
template <class P>
concept PolicyParametrisation =
    (detail::policy_opts_in<P> || unmet<"a policy says: using policy_concept = optiform::policy_tag;">());                  //

/// Whether a policy, a critic and an improvement step go together in an environment.
template <class Policy, class Environment, class C, class Improvement>
concept GoTogether =
    (detail::critic_finds_model<C, Environment> || unmet<"an exact critic needs an environment with a model (states, actions, transitions): use a TabularMdp, or a rollout critic such as GaeCritic">())  //
    && (detail::improvement_is_for_policy<Improvement, Policy> || unmet<"a mirror, regression or trust region step needs a table of probabilities: use SoftmaxTable or DirectTable, or improve this policy by GradientStep<Rule>">())  //
    && (detail::query_is_policy<Improvement, Policy> || unmet<"a DirectTable cannot be asked at a look-ahead point, whose entries are no probabilities: use SoftmaxTable, or a rule whose query is x">());  //

/// Whether a critic provides all that a stabilizer needs.
template <class C, class S>
concept MeetsNeeds =
    (detail::critic_provides<C, S, objective_value> || unmet<"a stabilizer needs the value of a policy, which only a critic with a model provides: use ExactCritic, or drop the stabilizer">())  //
    && (detail::critic_provides<C, S, optimality_gap> || unmet<"a stabilizer needs the distance from the best policy: use ExactCritic, or a stabilizer that does without, such as ValueRestart">())  //
    && (detail::critic_provides<C, S, ensemble> || unmet<"a stabilizer needs several independent estimates of a value: use a critic that is an ensemble, or drop the stabilizer">());  //
// clang-format on

namespace detail {

/// A stabilizer's place beside a critic. One of each, since of a fold over all of them compilers
/// say no more than that it is false.
template <class C, class S>
  requires Stabilizer<S> && MeetsNeeds<C, S>
struct stabilizer_slot {
  using type = S;
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
