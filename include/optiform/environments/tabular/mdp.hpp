// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/tensor.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A size that is known at run time only.
inline constexpr int run_time = -1;

/// A finite Markov decision process. Two forms of one thing:
///
///   TabularMdp<>         sizes known at run time, sparse transitions, up to 10^5 states and more
///   TabularMdp<S, A, T>  small sizes known at compile time, everything unrolled; where T is a
///                        pack, one process per lane: <optiform/environments/tabular/small_mdp.hpp>
template <int States = run_time, int Actions = run_time, class T = double>
class TabularMdp;

/// Rewards r(s, a), transitions P(s' | s, a), a start distribution and a discount factor.
///
/// Shapes    pairs (s, a) are numbered s * actions() + a; tables over pairs are [states, actions].
/// Contract  made by an MdpBuilder, so that every row sums to one and every state has an action;
///           unavailable pairs have reward 0, no successors and the start logit -infinity.
template <>
class TabularMdp<> {
 public:
  struct Successor {
    int state;
    double probability;
  };

  const std::string& name() const { return name_; }
  int states() const { return states_; }
  int actions() const { return actions_; }
  Index pairs() const { return static_cast<Index>(states_) * actions_; }
  double discount() const { return discount_; }
  double start(int state) const { return start_[static_cast<std::size_t>(state)]; }
  double reward(Index pair) const { return reward_[static_cast<std::size_t>(pair)]; }
  bool available(Index pair) const { return available_[static_cast<std::size_t>(pair)] != 0; }
  /// Successors of a pair, by state; none where the pair is not available.
  const Successor* begin(Index pair) const {
    return successor_.data() + first_[static_cast<std::size_t>(pair)];
  }
  const Successor* end(Index pair) const {
    return successor_.data() + first_[static_cast<std::size_t>(pair) + 1];
  }
  /// Logits that experiments on this process start from; all zero unless the process brings some.
  const std::vector<double>& start_logits(int /*lane*/ = 0) const { return start_logits_; }

  /// The same process under another discount factor; Error outside [0, 1).
  TabularMdp with_discount(double discount) const {
    check_discount(discount);
    TabularMdp other = *this;
    other.discount_ = discount;
    return other;
  }

 private:
  friend class MdpBuilder;

  static void check_discount(double discount) {
    if (!(discount >= 0 && discount < 1))
      fail("discount = ", discount, ", expected 0 <= discount < 1");
  }

  std::string name_;
  int states_ = 0, actions_ = 0;
  double discount_ = 0;
  std::vector<double> start_, reward_, start_logits_;
  std::vector<char> available_;
  std::vector<Index> first_;
  std::vector<Successor> successor_;
};

/// Collects a process piece by piece; `build` checks it.
///
///   MdpBuilder b(2, 2, 0.9);
///   b.reward(0, 1, 0.5);
///   b.transition(0, 0, 1, 1.0);
///   ...
///   const TabularMdp<> mdp = b.build();
///
/// Contract  without `start`, episodes start in every state equally often; without `unavailable`,
///           every action is available. Probabilities are kept as given, not scaled to sum to one.
/// Errors    Error names the state, the action and the number: indices out of range, rows that do
///           not sum to one (within 1e-9), probabilities outside [0, 1], a discount outside [0, 1),
///           rewards that are no numbers, a state without actions.
class MdpBuilder {
 public:
  MdpBuilder(int states, int actions, double discount, std::string_view name = "mdp") {
    if (states < 1) fail("states = ", states, ", expected at least 1");
    if (actions < 1) fail("actions = ", actions, ", expected at least 1");
    TabularMdp<>::check_discount(discount);
    mdp_.name_ = name;
    mdp_.states_ = states;
    mdp_.actions_ = actions;
    if (mdp_.pairs() > most_pairs)
      fail(states, " states with ", actions, " actions are too many, expected at most ", most_pairs,
           " pairs");
    mdp_.discount_ = discount;
    const auto pairs = static_cast<std::size_t>(mdp_.pairs());
    mdp_.reward_.assign(pairs, 0);
    mdp_.available_.assign(pairs, 1);
    mdp_.start_.assign(static_cast<std::size_t>(states), 1.0 / states);
    row_.resize(pairs);
  }

  /// Adds `probability` to P(next | state, action).
  void transition(int state, int action, int next, double probability) {
    const auto at = pair(state, action);
    if (next < 0 || next >= mdp_.states_)
      fail("transition of state ", state, ", action ", action, " leads to state ", next,
           ", expected 0 to ", mdp_.states_ - 1);
    if (!(probability >= 0 && probability <= 1 + tolerance))
      fail("P(", next, " | ", state, ", ", action, ") = ", probability, ", expected 0 to 1");
    if (probability > 0) row_[at].push_back({next, probability});
  }
  void reward(int state, int action, double reward) {
    if (!math::isfinite(reward))
      fail("reward of state ", state, ", action ", action, " is ", reward,
           ", expected a finite number");
    mdp_.reward_[pair(state, action)] = reward;
  }
  void unavailable(int state, int action) { mdp_.available_[pair(state, action)] = 0; }
  /// The end of an episode as a state of a continuing process: every action stays and pays nothing.
  void absorbing(int state) {
    for (int action = 0; action < mdp_.actions_; ++action) transition(state, action, state, 1);
  }
  /// Probabilities of the first state, [states].
  void start(std::vector<double> distribution) {
    if (distribution.size() != static_cast<std::size_t>(mdp_.states_))
      fail("the start distribution has ", distribution.size(),
           " entries, expected one for each of ", mdp_.states_, " states");
    check_sum(distribution, "the start distribution");
    mdp_.start_ = std::move(distribution);
  }
  /// Every episode starts in `state`.
  void start_in(int state) {
    pair(state, 0);
    mdp_.start_.assign(static_cast<std::size_t>(mdp_.states_), 0);
    mdp_.start_[static_cast<std::size_t>(state)] = 1;
  }
  /// Logits that experiments start from, [states, actions]; those of unavailable pairs are ignored.
  void start_logits(std::vector<double> logits) {
    if (logits.size() != row_.size())
      fail("the start logits have ", logits.size(), " entries, expected ", mdp_.states_, " x ",
           mdp_.actions_);
    mdp_.start_logits_ = std::move(logits);
  }

  TabularMdp<> build() const {
    TabularMdp<> mdp = mdp_;
    mdp.first_.assign(row_.size() + 1, 0);
    for (std::size_t at = 0; at < row_.size(); ++at) {
      const Index state = static_cast<Index>(at) / mdp.actions_,
                  action = static_cast<Index>(at) % mdp.actions_;
      if (mdp.available_[at] != 0) {
        const auto row = merged(row_[at]);
        double sum = 0;
        for (const auto& successor : row) sum += successor.probability;
        if (!(sum >= 1 - tolerance && sum <= 1 + tolerance))
          fail("transition probabilities of state ", state, ", action ", action, " sum to ", sum,
               ", expected 1");
        mdp.successor_.insert(mdp.successor_.end(), row.begin(), row.end());
      } else if (!row_[at].empty()) {
        fail("state ", state, ", action ", action, " has transitions but is marked unavailable");
      } else {
        mdp.reward_[at] = 0;
      }
      mdp.first_[at + 1] = static_cast<Index>(mdp.successor_.size());
    }
    check_actions(mdp);
    if (mdp.start_logits_.empty()) mdp.start_logits_.assign(row_.size(), 0);
    for (std::size_t at = 0; at < row_.size(); ++at) {
      double& logit = mdp.start_logits_[at];
      if (mdp.available_[at] == 0) {
        logit = -__builtin_inf();
      } else if (!math::isfinite(logit)) {
        fail("start logit of state ", static_cast<Index>(at) / mdp.actions_, ", action ",
             static_cast<Index>(at) % mdp.actions_, " is ", logit, ", expected a finite number");
      }
    }
    return mdp;
  }

 private:
  static constexpr double tolerance = 1e-9;
  static constexpr Index most_pairs = 100'000'000;  // their rows alone take gigabytes

  std::size_t pair(int state, int action) const {
    if (state < 0 || state >= mdp_.states_)
      fail("state ", state, " does not exist, expected 0 to ", mdp_.states_ - 1);
    if (action < 0 || action >= mdp_.actions_)
      fail("action ", action, " does not exist, expected 0 to ", mdp_.actions_ - 1);
    return static_cast<std::size_t>(state * static_cast<Index>(mdp_.actions_) + action);
  }
  using Row = std::vector<TabularMdp<>::Successor>;
  /// Successors by state, each once.
  static Row merged(Row row) {
    std::stable_sort(row.begin(), row.end(),
                     [](const auto& a, const auto& b) { return a.state < b.state; });
    Row once;
    for (const auto& successor : row) {
      if (!once.empty() && once.back().state == successor.state) {
        once.back().probability += successor.probability;
      } else {
        once.push_back(successor);
      }
    }
    return once;
  }
  static void check_sum(const std::vector<double>& distribution, const char* what) {
    double sum = 0;
    for (const double p : distribution) {
      if (!(p >= 0 && p <= 1 + tolerance)) fail(what, " contains ", p, ", expected 0 to 1");
      sum += p;
    }
    if (!(sum >= 1 - tolerance && sum <= 1 + tolerance))
      fail(what, " sums to ", sum, ", expected 1");
  }
  static void check_actions(const TabularMdp<>& mdp) {
    for (int s = 0; s < mdp.states_; ++s) {
      bool some = false;
      for (int a = 0; a < mdp.actions_; ++a)
        some = some || mdp.available(static_cast<Index>(s) * mdp.actions_ + a);
      if (!some) fail("state ", s, " has no available action, expected at least one");
    }
  }

  TabularMdp<> mdp_;
  std::vector<Row> row_;
};

/// A process from dense tables.
///
///   dense_mdp(tensor_ref<3>(P), tensor_ref<2>(r), tensor_ref<1>(rho), 0.9)   // xt::xtensor, see
///                                                                    <optiform/io/xtensor.hpp>
///
/// Shapes    transition [states, actions, states], reward [states, actions], start [states].
/// Contract  the tables are copied; a pair whose row is all zero is an error, not an unavailable
///           action (say so with an MdpBuilder).
/// Errors    Error as MdpBuilder's, and for shapes that do not fit each other.
inline TabularMdp<> dense_mdp(TensorRef<const double, 3> transition,
                              TensorRef<const double, 2> reward, TensorRef<const double, 1> start,
                              double discount, std::string_view name = "mdp") {
  const auto states = static_cast<int>(reward.extent[0]),
             actions = static_cast<int>(reward.extent[1]);
  if (transition.extent[0] != states || transition.extent[1] != actions ||
      transition.extent[2] != states)
    fail("transitions have the shape ", transition.extent[0], " x ", transition.extent[1], " x ",
         transition.extent[2], ", expected ", states, " x ", actions, " x ", states,
         " as the rewards are ", states, " x ", actions);
  MdpBuilder builder(states, actions, discount, name);
  for (int s = 0; s < states; ++s)
    for (int a = 0; a < actions; ++a) {
      builder.reward(s, a, reward(s, a));
      for (int next = 0; next < states; ++next)
        builder.transition(s, a, next, transition(s, a, next));
    }
  builder.start(std::vector<double>(start.data, start.data + start.size()));
  return builder.build();
}

/// Assumptions of the convergence theorems that a process breaks, one sentence each, with the first
/// offender as an example.
///
/// Limits    the third assumption, one best action in every state, needs the optimum and is not
///           looked at.
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024: rewards in [0, 1]
///           and a start distribution without zeros.
inline std::vector<std::string> broken_assumptions(const TabularMdp<>& mdp) {
  std::vector<std::string> broken;
  for (Index pair = 0; pair < mdp.pairs(); ++pair) {
    const double r = mdp.reward(pair);
    if (!mdp.available(pair) || (r >= 0 && r <= 1)) continue;
    broken.push_back(message("bounded rewards: reward of state ", pair / mdp.actions(), ", action ",
                             pair % mdp.actions(), " is ", r, ", the theorems assume 0 to 1"));
    break;
  }
  for (int s = 0; s < mdp.states(); ++s) {
    if (mdp.start(s) > 0) continue;
    broken.push_back(message("exploratory start: start probability of state ", s,
                             " is 0, the theorems assume a positive one for every state"));
    break;
  }
  return broken;
}

OPTIFORM_NAMESPACE_END
