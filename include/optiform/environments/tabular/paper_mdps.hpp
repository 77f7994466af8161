// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The processes and bandits that accelerated policy gradients were studied on.
///
/// Limits    a bandit is a process of one state; with discount 0 its objective is the reward.
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024, and its program.

/// "5s5a": five states, five actions, every successor possible. Starts from the uniform policy.
///
/// Limits    V*(start) = 9.408398506373334; the best actions are 1, 4, 5, 4, 5 (counted from 1).
inline TabularMdp<> five_state_mdp(double discount = 0.9) {
  static constexpr double reward[5][5] = {{1, .8, .6, .7, .4},
                                          {.5, .3, .1, 1, .6},
                                          {.6, .9, .8, .7, 1},
                                          {.1, .2, .6, .7, .4},
                                          {.8, .4, .6, .2, .9}};
  static constexpr double transition[5][5][5] = {{{.1, .5, .1, .2, .1},
                                                  {.6, .1, .1, .1, .1},
                                                  {.5, .1, .1, .2, .1},
                                                  {.4, .3, .1, .1, .1},
                                                  {.2, .1, .1, .1, .5}},
                                                 {{.1, .5, .2, .1, .1},
                                                  {.4, .1, .2, .2, .1},
                                                  {.1, .4, .3, .1, .1},
                                                  {.4, .1, .1, .1, .3},
                                                  {.2, .2, .2, .2, .2}},
                                                 {{.6, .1, .1, .1, .1},
                                                  {.2, .4, .1, .2, .1},
                                                  {.3, .3, .2, .1, .1},
                                                  {.1, .4, .3, .1, .1},
                                                  {.2, .1, .1, .1, .5}},
                                                 {{.6, .1, .1, .1, .1},
                                                  {.1, .5, .1, .2, .1},
                                                  {.2, .1, .1, .1, .5},
                                                  {.4, .3, .1, .1, .1},
                                                  {.5, .1, .1, .2, .1}},
                                                 {{.2, .2, .2, .2, .2},
                                                  {.4, .1, .2, .2, .1},
                                                  {.4, .1, .1, .3, .1},
                                                  {.1, .4, .2, .1, .2},
                                                  {.2, .5, .1, .1, .1}}};
  MdpBuilder builder(5, 5, discount, "5s5a");
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a) {
      builder.reward(s, a, reward[s][a]);
      for (int next = 0; next < 5; ++next) builder.transition(s, a, next, transition[s][a][next]);
    }
  builder.start({.3, .2, .1, .15, .25});
  return builder.build();
}

/// The hard start of "5s5a": the better an action's reward, the smaller its logit.
inline std::vector<double> five_state_hard_start() {
  return {1, 2, 4, 3, 5, 3, 4, 5, 1, 2, 5, 2, 3, 4, 1, 5, 4, 2, 1, 3, 2, 4, 3, 5, 1};
}

/// "m2": two states, three actions.
inline TabularMdp<> two_state_mdp(double discount = 0.9) {
  static constexpr double reward[2][3] = {{.4, .5, .3}, {1, .95, .9}};
  static constexpr double to_first[2][3] = {{.5, .4, .7}, {.6, .8, .2}};
  MdpBuilder builder(2, 3, discount, "m2");
  for (int s = 0; s < 2; ++s)
    for (int a = 0; a < 3; ++a) {
      builder.reward(s, a, reward[s][a]);
      builder.transition(s, a, 0, to_first[s][a]);
      builder.transition(s, a, 1, 1 - to_first[s][a]);
    }
  builder.start({.7, .3});
  builder.start_logits({3, 1, 5, 6, 4, 1});
  return builder.build();
}

namespace detail {

/// One action that leads to one state for sure.
struct Move {
  int state, action, next;
  double reward;
};

/// A deterministic process of two actions; pairs without a move are unavailable.
template <std::size_t N>
TabularMdp<> deterministic_mdp(int states, const Move (&moves)[N], std::vector<double> start_logits,
                               double discount, std::string_view name) {
  MdpBuilder builder(states, 2, discount, name);
  std::vector<char> possible(static_cast<std::size_t>(2 * states), 0);
  for (const Move& move : moves) {
    builder.transition(move.state, move.action, move.next, 1);
    builder.reward(move.state, move.action, move.reward);
    possible[static_cast<std::size_t>(2 * move.state + move.action)] = 1;
  }
  for (int s = 0; s < states; ++s)
    for (int a = 0; a < 2; ++a)
      if (possible[static_cast<std::size_t>(2 * s + a)] == 0) builder.unavailable(s, a);
  builder.start_in(0);
  builder.start_logits(std::move(start_logits));
  return builder.build();
}

}  // namespace detail

/// "q3": three states and a sink that leads back to the first. The detour over state 1 is worth 1
/// or nothing, that over state 2 is worth 0.8 for sure.
///
/// Limits    the second actions of states 2 and 3 are unavailable; V*(start) = gamma / (1 -
/// gamma^3).
inline TabularMdp<> three_state_mdp(double discount = 0.9) {
  static constexpr detail::Move moves[] = {{0, 0, 1, 0}, {0, 1, 2, 0},  {1, 0, 3, 1},
                                           {1, 1, 3, 0}, {2, 0, 3, .8}, {3, 0, 0, 0}};
  return detail::deterministic_mdp(4, moves, {0, 0, 0, 2, 0, 0, 0, 0}, discount, "q3");
}

/// "q6": six states in three ways of three steps back to the first.
///
/// Limits    the second actions of states 2 and 3 are unavailable;
///           V*(start) = (0.7 gamma + gamma^2) / (1 - gamma^3).
inline TabularMdp<> six_state_mdp(double discount = 0.9) {
  static constexpr detail::Move moves[] = {
      {0, 0, 1, 0}, {0, 1, 2, 0}, {1, 0, 3, .5}, {1, 1, 4, .7}, {2, 0, 5, .6},
      {3, 0, 0, 1}, {4, 0, 0, 1}, {4, 1, 0, 0},  {5, 0, 0, 1},  {5, 1, 0, 0}};
  return detail::deterministic_mdp(6, moves, {0, 0, .5, 0, 0, 0, 0, 0, 0, .5, 0, 0}, discount,
                                   "q6");
}

/// A bandit: one state, one reward per action, discount 0.
///
///   bandit_mdp({1, 0.99, 0}, {1, 3, 5})
///
/// Errors    Error if there are no rewards, or not as many start logits (none: the uniform policy).
inline TabularMdp<> bandit_mdp(const std::vector<double>& rewards,
                               std::vector<double> start_logits = {},
                               std::string_view name = "bandit") {
  MdpBuilder builder(1, static_cast<int>(rewards.size()), 0, name);
  for (std::size_t a = 0; a < rewards.size(); ++a) {
    builder.reward(0, static_cast<int>(a), rewards[a]);
    builder.transition(0, static_cast<int>(a), 0, 1);
  }
  if (!start_logits.empty()) builder.start_logits(std::move(start_logits));
  return builder.build();
}

OPTIFORM_NAMESPACE_END
