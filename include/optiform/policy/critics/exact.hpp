// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/table_batch.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Opened by an environment with a model: how a backend evaluates a policy on it exactly.
/// Specialised beside the environment, for instance <optiform/environments/tabular/evaluation.hpp>.
template <class Environment, class Backend, class T>
struct exact_evaluator;

namespace detail {

template <class Environment>
concept has_model = requires(const Environment& e) {
  e.states();
  e.actions();
  e.reward(Index{0});
  e.available(Index{0});
};

/// A policy's table of probabilities at some parameters and its exact evaluation, both on demand.
template <class Policy, class Evaluator, class T, bool Regularised>
class EvaluatedPoint {
 public:
  template <class Environment>
  EvaluatedPoint(const Environment& environment, Index pairs, double temperature)
      : evaluator_(environment), probability_(pairs), temperature_(temperature) {}

  void forget() { known_ = nothing_known; }
  OPTIFORM_INLINE void begin(const Policy& policy, const T* parameters) {
    if (known_ != nothing_known) return;
    policy.probabilities(parameters, probability_.data());
    evaluator_.template begin<Regularised>(probability_.data(), T(temperature_));
    known_ = value_known;
  }
  OPTIFORM_INLINE void complete(const Policy& policy, const T* parameters) {
    begin(policy, parameters);
    if (known_ == all_known) return;
    evaluator_.template complete<Regularised>(probability_.data(), T(temperature_));
    known_ = all_known;
  }
  Evaluator& evaluator() { return evaluator_; }
  const T* probability() const { return probability_.data(); }

 private:
  enum Known : unsigned char { nothing_known, value_known, all_known };

  Evaluator evaluator_;
  Buffer<T> probability_;
  double temperature_;
  Known known_ = nothing_known;
};

}  // namespace detail

/// A best policy of an environment with a model, and how far others are from it.
template <class Evaluator, class T>
class Optimum {
 public:
  template <class Environment>
  explicit Optimum(const Environment& environment)
      : evaluator_(environment),
        probability_(environment.pairs()),
        actions_(environment.actions()) {
    policy_iteration(evaluator_, probability_.data());
  }

  Evaluator& evaluator() { return evaluator_; }
  /// A deterministic policy, [states, actions].
  const T* probability() const { return probability_.data(); }

  /// J* - J of an evaluated policy by the performance difference, sum w pi (V* - Q*), which stays
  /// accurate where the subtraction would cancel.
  /// Source    Kakade and Langford, "Approximately optimal approximate reinforcement learning",
  ///           ICML 2002, lemma 6.1.
  T gap(Evaluator& at, const T* probability) {
    T total(0);
    const Index states = probability_.size() / actions_;
    for (Index s = 0; s < states; ++s) {
      T lost(0);
      for (Index pair = s * actions_; pair < (s + 1) * actions_; ++pair) {
        // Deficits of other best actions are rounding, of either sign.
        const T deficit = evaluator_.value()[s] - evaluator_.action_value()[pair];
        const auto loses = deficit > T(0);
        lost += select(probability_[pair] > T(0), T(0),
                       select(loses, probability[pair] * deficit, T(0)));
      }
      total += at.visits()[s] * lost;
    }
    return total;
  }

 private:
  Evaluator evaluator_;
  Buffer<T> probability_;
  Index actions_;
};

/// The whole table of advantages and discounted visits, computed from the model.
///
/// With Regularised, rewards carry the policy's entropy times `temperature`, and the objective is
/// the regularised one.
///
/// Source    Agarwal, Kakade, Lee, Mahajan, "On the theory of policy gradient methods", JMLR 2021;
///           regularised: Mei, Xiao, Szepesvari, Schuurmans, "On the global convergence rates of
///           softmax policy gradient methods", ICML 2020, section 4.
template <bool Regularised>
struct BasicExactCritic {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::model;
  // The best policy is known for the plain objective only.
  static constexpr unsigned provides = objective_value | (Regularised ? nothing : optimality_gap);

  struct Options {
    double temperature = 0;  ///< of the entropy; without Regularised it must be 0
  };

  template <class Policy, class Environment, class Backend, class T>
  class on {
    static_assert(detail::has_model<Environment>,
                  "optiform: ExactCritic - the environment has no model (states, actions, "
                  "transitions); use a rollout critic such as GaeCritic, or a TabularMdp");
    using Evaluator = typename exact_evaluator<Environment, Backend, T>::type;
    using Point = detail::EvaluatedPoint<Policy, Evaluator, T, Regularised>;

   public:
    using Batch = TableBatch<T, typename Policy::Sizes>;

    on(const Environment& environment, context_t<Backend>&, const Policy& policy, Options options)
        : environment_(environment),
          query_(environment, policy.size(), options.temperature),
          iterate_(environment, policy.size(), options.temperature),
          batch_{policy.sizes()} {
      if (!Regularised && options.temperature != 0)
        fail("temperature = ", options.temperature,
             ", expected 0: only EntropyRegularisedCritic has a temperature");
      if (!(options.temperature >= 0))
        fail("temperature = ", options.temperature, ", expected 0 or more");
    }

    /// The table at the query point.
    OPTIFORM_INLINE Batch& evaluate(const Policy& policy, const T* parameters) {
      query_.complete(policy, parameters);
      batch_.probability = query_.probability();
      batch_.advantage = query_.evaluator().advantage();
      batch_.state_weight = query_.evaluator().visits();
      return batch_;
    }
    /// To be called when parameters have moved.
    void forget() {
      query_.forget();
      iterate_.forget();
    }
    void forget_query() { query_.forget(); }

    OPTIFORM_INLINE T query_objective(const Policy& policy, const T* parameters) {
      query_.begin(policy, parameters);
      return query_.evaluator().objective();
    }
    OPTIFORM_INLINE T iterate_objective(const Policy& policy, const T* parameters) {
      iterate_.begin(policy, parameters);
      return iterate_.evaluator().objective();
    }
    T query_gap(const Policy& policy, const T* parameters) {
      query_.complete(policy, parameters);
      return gap(query_);
    }
    T iterate_gap(const Policy& policy, const T* parameters) {
      iterate_.complete(policy, parameters);
      return gap(iterate_);
    }
    /// The exact evaluation of the iterate: value, advantage, visits.
    Evaluator& iterate(const Policy& policy, const T* parameters) {
      iterate_.complete(policy, parameters);
      return iterate_.evaluator();
    }
    const T* iterate_probability() const { return iterate_.probability(); }
    /// The best policy's evaluation.
    Evaluator& optimum() { return find_optimum().evaluator(); }

   private:
    T gap(Point& point) { return find_optimum().gap(point.evaluator(), point.probability()); }
    Optimum<Evaluator, T>& find_optimum() {
      if (!optimum_) optimum_.emplace(environment_);
      return *optimum_;
    }

    const Environment& environment_;
    Point query_, iterate_;
    Batch batch_;
    std::optional<Optimum<Evaluator, T>> optimum_;
  };
};

using ExactCritic = BasicExactCritic<false>;
using EntropyRegularisedCritic = BasicExactCritic<true>;

OPTIFORM_NAMESPACE_END
