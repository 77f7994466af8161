// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <optiform/core/action_space.hpp>  // IWYU pragma: export
#include <optiform/core/random.hpp>
#include <optiform/core/require.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Opt-in: `using environment_concept = environment_tag;`.
struct environment_tag {};

/// The answer to one action.
struct Outcome {
  double reward = 0;
  bool terminated = false;  ///< the episode is over: what follows is worth nothing
  bool truncated = false;   ///< it was only cut short: what follows keeps its value
};

namespace detail {

template <class E>
concept environment_opts_in = std::same_as<typename E::environment_concept, environment_tag>;
template <class E>
concept environment_has_observation_size = requires {
  { E::observation_size } -> std::convertible_to<int>;
};
template <class E>
concept environment_names_action_space = requires {
  typename E::ActionSpace::Action;
  { E::ActionSpace::columns } -> std::convertible_to<int>;
};
template <class E>
concept environment_resets = requires(E& e, Rng& rng) {
  e.reset(rng);
};
/// The step of an environment that is random itself takes the generator, too.
template <class E>
concept environment_steps_at_random = requires(E& e, const typename E::ActionSpace::Action& action,
                                               Rng& rng) {
  { e.step(action, rng) } -> std::same_as<Outcome>;
};
template <class E>
concept environment_steps = environment_steps_at_random<E> ||
    requires(E& e, const typename E::ActionSpace::Action& action) {
  { e.step(action) } -> std::same_as<Outcome>;
};
template <class E>
concept environment_is_observed = requires(const E& e, float* single, double* real) {
  e.observe(single);
  e.observe(real);
};

}  // namespace detail

// clang-format off
/// One episode at a time of something that is acted upon and observed.
///
/// Requirements
///   using environment_concept = environment_tag
///   using ActionSpace = Discrete<N> or Continuous<N>
///   static constexpr int observation_size
///   void reset(Rng&)                   begins an episode; all its chance comes from the generator
///   Outcome step(const Action&)        or step(const Action&, Rng&)
///   void observe(T* observation) const for every scalar T; observation = [observation_size]
/// Contract   copies are independent. After an end, reset is called before the next step. A time limit
///            is the environment's own and is reported as truncated.
/// See        CartPole; Runner, which steps many copies at once
template <class E>
concept Environment =
    (detail::environment_opts_in<E> || unmet<"an environment says: using environment_concept = optiform::environment_tag;">())  //
    && (detail::environment_names_action_space<E> || unmet<"add: using ActionSpace = Discrete<2>; or Continuous<1>">())         //
    && (detail::environment_has_observation_size<E> || unmet<"add: static constexpr int observation_size = 4;">())             //
    && (detail::environment_resets<E> || unmet<"add: void reset(Rng& rng)">())                                                  //
    && (detail::environment_steps<E> || unmet<"add: Outcome step(ActionSpace::Action action), or with a second argument Rng&">())  //
    && (detail::environment_is_observed<E> || unmet<"add: template <class T> void observe(T* observation) const">());           //
// clang-format on

OPTIFORM_NAMESPACE_END
