// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/solve.hpp>
#include <optiform/environments/tabular/mdp.hpp>
#include <optiform/environments/tabular/planning.hpp>  // IWYU pragma: export
#include <optiform/environments/tabular/small_mdp.hpp>
#include <optiform/policy/critics/exact.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The exact value of a policy and what follows from it, by one factorisation of I - gamma P_pi:
///
///   V = (I - gamma P_pi)^-1 r_pi      Q = r + gamma P V      A = Q - V      J = start . V
///   w = (I - gamma P_pi)^-T start     the discounted visits, d / (1 - gamma)
///
/// With a temperature tau the reward of a pair is r - tau log pi(a | s) (entropy regularisation).
///
/// Shapes    probability [states, actions], zero where unavailable; value, visits [states];
///           advantage, action_value [states, actions].
/// Contract  `begin` gives value and objective; `complete` adds the rest for the same policy. Both
///           allocate nothing. The model outlives the evaluator.
/// Source    Puterman, "Markov decision processes", 1994, section 6.1; entropy: Cen et al., "Fast
///           global convergence of natural policy gradient", 2021.
template <class Environment, class Backend, class T>
class TabularEvaluator;

namespace detail {

/// -tau log p, and 0 for p = 0.
template <class T>
OPTIFORM_INLINE T surprise(T temperature, T probability) {
  using math::log;
  const T positive = select(probability > T(0), probability, T(1));
  return -temperature * log(positive);
}

}  // namespace detail

/// Small processes: elimination without pivots, which strict diagonal dominance makes stable.
template <int S, int A, class T, class Backend>
  requires(S > 0)
class TabularEvaluator<TabularMdp<S, A, T>, Backend, T> {
 public:
  using Model = TabularMdp<S, A, T>;

  explicit TabularEvaluator(const Model& model) : model_(model) {}

  template <bool Regularised = false>
  OPTIFORM_INLINE void begin(const T* probability, T temperature = T(0)) {
    T value[S];
    T(&m)[S][S] = matrix_;
    repeated<S, small>([&](int s) OPTIFORM_INLINE_LAMBDA {
      T row[S], reward(0);
      repeated<S, small>([&](int n) OPTIFORM_INLINE_LAMBDA { row[n] = T(0); });
      repeated<A, small>([&](int a) OPTIFORM_INLINE_LAMBDA {
        const int pair = s * A + a;
        const T p = probability[pair];
        T r = model_.reward_table[pair];
        if constexpr (Regularised) r += detail::surprise(temperature, p);
        reward += p * r;
        repeated<S, small>([&](int n) OPTIFORM_INLINE_LAMBDA {
          row[n] += p * model_.discounted_transition[pair * S + n];
        });
      });
      value[s] = reward;
      repeated<S, small>(
          [&](int n) OPTIFORM_INLINE_LAMBDA { m[s][n] = n == s ? T(1) - row[n] : -row[n]; });
    });
    repeated<S, small>([&](int k) OPTIFORM_INLINE_LAMBDA {
      inverse_pivot_[k] = T(1) / m[k][k];
      repeated<S, small>([&](int i) OPTIFORM_INLINE_LAMBDA {
        if (i <= k) return;
        const T factor = m[i][k] * inverse_pivot_[k];
        m[i][k] = factor;
        value[i] -= factor * value[k];
        repeated<S, small>([&](int j) OPTIFORM_INLINE_LAMBDA {
          if (j > k) m[i][j] -= factor * m[k][j];
        });
      });
    });
    repeated<S, small>([&](int back) OPTIFORM_INLINE_LAMBDA {
      const int i = S - 1 - back;
      repeated<S, small>([&](int j) OPTIFORM_INLINE_LAMBDA {
        if (j > i) value[i] -= m[i][j] * value[j];
      });
      value[i] *= inverse_pivot_[i];
    });
    objective_ = T(0);
    repeated<S, small>([&](int s) OPTIFORM_INLINE_LAMBDA {
      objective_ += model_.start_table[s] * value[s];
      value_[s] = value[s];
    });
  }

  template <bool Regularised = false>
  OPTIFORM_INLINE void complete(const T* probability, T temperature = T(0)) {
    T visits[S];
    const T(&m)[S][S] = matrix_;
    repeated<S, small>([&](int i) OPTIFORM_INLINE_LAMBDA {
      visits[i] = model_.start_table[i];
      repeated<S, small>([&](int j) OPTIFORM_INLINE_LAMBDA {
        if (j < i) visits[i] -= m[j][i] * visits[j];
      });
      visits[i] *= inverse_pivot_[i];
    });
    repeated<S, small>([&](int back) OPTIFORM_INLINE_LAMBDA {
      const int i = S - 1 - back;
      repeated<S, small>([&](int j) OPTIFORM_INLINE_LAMBDA {
        if (j > i) visits[i] -= m[j][i] * visits[j];
      });
      visits_[i] = visits[i];
    });
    repeated<S, small>([&](int s) OPTIFORM_INLINE_LAMBDA {
      repeated<A, small>([&](int a) OPTIFORM_INLINE_LAMBDA {
        const int pair = s * A + a;
        T q = model_.reward_table[pair];
        repeated<S, small>([&](int n) OPTIFORM_INLINE_LAMBDA {
          q += model_.discounted_transition[pair * S + n] * value_[n];
        });
        action_value_[pair] = q;
        T advantage = q - value_[s];
        if constexpr (Regularised) advantage += detail::surprise(temperature, probability[pair]);
        advantage_[pair] = advantage;
      });
    });
  }

  const Model& model() const { return model_; }
  /// Relative accuracy that comparisons of its results may count on.
  double precision() const { return 1e-12; }
  T objective() const { return objective_; }
  const T* value() const { return value_; }
  const T* action_value() const { return action_value_; }
  T* advantage() { return advantage_; }
  const T* visits() const { return visits_; }

 private:
  static constexpr bool small = S * S * A <= 256;

  const Model& model_;
  T matrix_[S][S], inverse_pivot_[S], value_[S], visits_[S];
  T action_value_[S * A], advantage_[S * A];
  T objective_{};
};

/// Any number of states: dense up to `dense_limit` of them, sparse and iterative beyond.
template <class Backend, class T>
class TabularEvaluator<TabularMdp<>, Backend, T> {
 public:
  using Model = TabularMdp<>;
  static constexpr int dense_limit = 400;

  explicit TabularEvaluator(const Model& model)
      : model_(model),
        states_(model.states()),
        actions_(model.actions()),
        reward_(states_),
        value_(states_),
        visits_(states_),
        action_value_(model.pairs()),
        advantage_(model.pairs()),
        start_(states_) {
    for (Index s = 0; s < states_; ++s) start_[s] = T(model.start(static_cast<int>(s)));
    if (states_ <= dense_limit) {
      matrix_.reset(states_ * states_);
    } else {
      find_pattern();
    }
  }

  template <bool Regularised = false>
  void begin(const T* probability, T temperature = T(0)) {
    for (Index s = 0; s < states_; ++s) {
      reward_[s] = T(0);
      for (Index pair = s * actions_; pair < (s + 1) * actions_; ++pair) {
        T r(model_.reward(pair));
        if constexpr (Regularised) r += detail::surprise(temperature, probability[pair]);
        reward_[s] += probability[pair] * r;
      }
    }
    if (states_ <= dense_limit) {
      for (T& entry : matrix_) entry = T(0);
      for_each_entry(probability,
                     [&](Index s, Index, int next, T p) { matrix_[s * states_ + next] -= p; });
      for (Index s = 0; s < states_; ++s) matrix_[s * states_ + s] += T(1);
      dense_.factorise(states_, matrix_.data());
      dense_.solve(reward_.data(), value_.data());
    } else {
      for (T& entry : sparse_matrix_.value) entry = T(0);
      for_each_entry(probability, [&](Index, Index successor, int, T p) {
        sparse_matrix_
            .value[static_cast<std::size_t>(slot_[static_cast<std::size_t>(successor)])] -= p;
      });
      for (const Index at : diagonal_) sparse_matrix_.value[static_cast<std::size_t>(at)] += T(1);
      sparse_.factorise(sparse_matrix_);
      sparse_.solve(reward_.data(), value_.data());
    }
    objective_ = T(0);
    for (Index s = 0; s < states_; ++s) objective_ += start_[s] * value_[s];
  }

  template <bool Regularised = false>
  void complete(const T* probability, T temperature = T(0)) {
    if (states_ <= dense_limit) {
      dense_.solve_transposed(start_.data(), visits_.data());
    } else {
      sparse_.solve_transposed(start_.data(), visits_.data());
    }
    const T discount(model_.discount());
    for (Index s = 0; s < states_; ++s)
      for (Index pair = s * actions_; pair < (s + 1) * actions_; ++pair) {
        T next_value(0);
        for (const auto* n = model_.begin(pair); n != model_.end(pair); ++n)
          next_value += T(n->probability) * value_[n->state];
        action_value_[pair] = T(model_.reward(pair)) + discount * next_value;
        advantage_[pair] = action_value_[pair] - value_[s];
        if constexpr (Regularised)
          advantage_[pair] += detail::surprise(temperature, probability[pair]);
      }
  }

  const Model& model() const { return model_; }
  double precision() const { return states_ <= dense_limit ? 1e-12 : 1e-8; }
  T objective() const { return objective_; }
  const T* value() const { return value_.data(); }
  const T* action_value() const { return action_value_.data(); }
  T* advantage() { return advantage_.data(); }
  const T* visits() const { return visits_.data(); }

 private:
  using Solver = linear_solver<Backend>;

  /// f(state, number of the successor in the model, next state, gamma pi P).
  template <class F>
  void for_each_entry(const T* probability, F&& f) const {
    const auto* const first = model_.begin(0);
    const T discount(model_.discount());
    for (Index s = 0; s < states_; ++s)
      for (Index pair = s * actions_; pair < (s + 1) * actions_; ++pair) {
        const T p = discount * probability[pair];
        for (const auto* n = model_.begin(pair); n != model_.end(pair); ++n)
          f(s, n - first, n->state, p * T(n->probability));
      }
  }

  /// The union over actions of what a state can reach, and where each successor adds to it.
  void find_pattern() {
    sparse_matrix_.first.assign(1, 0);
    const auto* const first = model_.begin(0);
    slot_.resize(static_cast<std::size_t>(model_.end(model_.pairs() - 1) - first));
    std::vector<int> reached;
    for (Index s = 0; s < states_; ++s) {
      const auto* const from = model_.begin(s * actions_);
      const auto* const to = model_.end((s + 1) * actions_ - 1);
      reached.assign(1, static_cast<int>(s));
      for (const auto* n = from; n != to; ++n) reached.push_back(n->state);
      std::sort(reached.begin(), reached.end());
      reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
      const auto place = [&](int state) {
        return sparse_matrix_.first.back() +
               (std::lower_bound(reached.begin(), reached.end(), state) - reached.begin());
      };
      for (const auto* n = from; n != to; ++n)
        slot_[static_cast<std::size_t>(n - first)] = place(n->state);
      diagonal_.push_back(place(static_cast<int>(s)));
      sparse_matrix_.column.insert(sparse_matrix_.column.end(), reached.begin(), reached.end());
      sparse_matrix_.first.push_back(static_cast<Index>(sparse_matrix_.column.size()));
    }
    sparse_matrix_.value.resize(sparse_matrix_.column.size());
  }

  const Model& model_;
  Index states_, actions_;
  Buffer<T> reward_, value_, visits_, action_value_, advantage_, start_, matrix_;
  T objective_{};
  typename Solver::template Dense<T> dense_;
  typename Solver::template Sparse<T> sparse_;
  SparseRows<T> sparse_matrix_;
  std::vector<Index> slot_, diagonal_;
};

template <int S, int A, class M, class Backend, class T>
struct exact_evaluator<TabularMdp<S, A, M>, Backend, T> {
  using type = TabularEvaluator<TabularMdp<S, A, M>, Backend, T>;
};

OPTIFORM_NAMESPACE_END
