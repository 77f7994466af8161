// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/core/unrolled.hpp>
#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A process whose sizes are part of its type: a copy of a TabularMdp<> in dense tables, or of
/// several of equal size side by side where T is a pack.
///
/// Shapes    discounted_transition [states, actions, states] holds gamma P(s' | s, a).
/// Errors    Error if a process has other sizes, or if there are not as many as lanes.
template <int States, int Actions, class T>
class TabularMdp {
  static_assert(States > 0 && Actions > 0, "optiform: TabularMdp - give both sizes, or neither");

 public:
  using Scalar = T;
  using Number = lane_number<T>;
  static constexpr int lanes = lane_count<T>;

  T discounted_transition[States * Actions * States];
  T reward_table[States * Actions];
  T availability[States * Actions];  ///< 1 or 0
  T start_table[States];
  T discount_lanes;

  explicit TabularMdp(const TabularMdp<>& mdp)
      : TabularMdp(std::vector<const TabularMdp<>*>(static_cast<std::size_t>(lanes), &mdp)) {}
  /// One process per lane.
  explicit TabularMdp(const std::vector<const TabularMdp<>*>& mdps) {
    if (mdps.size() != static_cast<std::size_t>(lanes))
      fail(mdps.size(), " processes were given for ", lanes, " lanes");
    for (int i = 0; i < lanes; ++i) fill(*mdps[static_cast<std::size_t>(i)], i);
  }

  static constexpr int states() { return States; }
  static constexpr int actions() { return Actions; }
  static constexpr Index pairs() { return States * Actions; }
  T discount() const { return discount_lanes; }
  T start(int state) const { return start_table[state]; }
  T reward(Index pair) const { return reward_table[pair]; }
  auto available(Index pair) const { return availability[pair] > T(0); }
  /// [states, actions], by lane.
  const std::vector<double>& start_logits(int lane = 0) const {
    return start_logits_[static_cast<std::size_t>(lane)];
  }

 private:
  void fill(const TabularMdp<>& mdp, int i) {
    if (mdp.states() != States || mdp.actions() != Actions)
      fail("process '", mdp.name(), "' has ", mdp.states(), " states and ", mdp.actions(),
           " actions, expected ", States, " and ", Actions);
    lane(discount_lanes, i) = static_cast<Number>(mdp.discount());
    for (int s = 0; s < States; ++s) lane(start_table[s], i) = static_cast<Number>(mdp.start(s));
    for (Index pair = 0; pair < pairs(); ++pair) {
      lane(reward_table[pair], i) = static_cast<Number>(mdp.reward(pair));
      lane(availability[pair], i) = Number(mdp.available(pair) ? 1 : 0);
      T* const row = discounted_transition + pair * States;
      for (int next = 0; next < States; ++next) lane(row[next], i) = Number(0);
      for (const auto* p = mdp.begin(pair); p != mdp.end(pair); ++p)
        lane(row[p->state], i) = static_cast<Number>(mdp.discount() * p->probability);
    }
    start_logits_.push_back(mdp.start_logits());
  }

  std::vector<std::vector<double>> start_logits_;
};

OPTIFORM_NAMESPACE_END
