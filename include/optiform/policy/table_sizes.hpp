// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/unrolled.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Sizes of an environment's tables: part of the type where they are part of the environment's.
template <class Environment>
struct TableSizes {
  explicit TableSizes(const Environment& e) : states_(e.states()), actions_(e.actions()) {}
  int states() const { return states_; }
  int actions() const { return actions_; }
  template <class F>
  void each_state(F&& f) const {
    for (int s = 0; s < states_; ++s) f(s);
  }
  template <class F>
  void each_action(F&& f) const {
    for (int a = 0; a < actions_; ++a) f(a);
  }

 private:
  int states_, actions_;
};

template <class Environment>
concept has_static_sizes = requires {
  typename std::integral_constant<int, Environment::states()>;
  typename std::integral_constant<int, Environment::actions()>;
};

template <class Environment>
  requires has_static_sizes<Environment>
struct TableSizes<Environment> {
  explicit TableSizes(const Environment&) {}
  static constexpr int states() { return Environment::states(); }
  static constexpr int actions() { return Environment::actions(); }
  static constexpr bool straight = states() * actions() <= 64;
  template <class F>
  OPTIFORM_INLINE static void each_state(F&& f) {
    repeated<states(), straight>(f);
  }
  template <class F>
  OPTIFORM_INLINE static void each_action(F&& f) {
    repeated<actions(), straight>(f);
  }
};

}  // namespace detail

OPTIFORM_NAMESPACE_END
