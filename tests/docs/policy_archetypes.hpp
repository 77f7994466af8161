// SPDX-License-Identifier: MIT
#pragma once

// The smallest type that models each concept of policy optimization, as docs/concepts shows it.
#include <optiform/tabular.hpp>

namespace archetypes {

using namespace optiform;

// [surrogate]
/// Increases the logarithm of probabilities, weighted by advantages.
struct SmallestSurrogate {
  using surrogate_concept = surrogate_tag;
  using Improvement = GradientStep<GradientDescent>;

  template <class T>
  T value(const ActionPoint<T>& p) const {
    using math::log;
    return p.advantage * log(p.ratio);
  }
  template <class T>
  T derivative(const ActionPoint<T>& p) const {
    return p.advantage / p.ratio;
  }
};
// [surrogate]

// [critic]
/// Takes the reward for the advantage: right for bandits, where any baseline drops out.
struct SmallestCritic {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::model;
  static constexpr unsigned provides = nothing;
  struct Options {};

  template <class Policy, class Environment, class Backend, class T>
  class on {
   public:
    using Batch = TableBatch<T, typename Policy::Sizes>;

    on(const Environment& bandit, context_t<Backend>&, const Policy& policy, Options)
        : probability_(policy.size()), reward_(policy.size()), batch_{policy.sizes()} {
      for (Index pair = 0; pair < policy.size(); ++pair) reward_[pair] = T(bandit.reward(pair));
      batch_.probability = probability_.data();
      batch_.advantage = reward_.data();
      batch_.state_weight = &weight_;
    }
    Batch& evaluate(const Policy& policy, const T* parameters) {
      policy.probabilities(parameters, probability_.data());
      return batch_;
    }
    void forget() {}        // parameters have moved: nothing was kept
    void forget_query() {}  // the query point has moved

   private:
    Buffer<T> probability_, reward_;
    T weight_ = T(1);
    Batch batch_;
  };
};
// [critic]

// [stabilizer]
/// Keeps the steepest slope that was seen.
struct SmallestStabilizer {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  double steepest = 0;

  template <class State>
  void gradient(State& state) {
    for (Index i = 0; i < state.improvement().size(); ++i) {
      const double slope = math::abs(static_cast<double>(state.improvement().gradient()[i]));
      steepest = slope > steepest ? slope : steepest;
    }
  }
};
// [stabilizer]

// [policy]
/// Two actions: pi(0 | s) = sigmoid(x(s)), one parameter per state.
struct SmallestPolicy {
  using policy_concept = policy_tag;
  static constexpr bool is_table = false;  // parameters are no table over pairs

  template <class Environment, class Backend, class T>
  class on {
   public:
    using Sizes = detail::TableSizes<Environment>;
    explicit on(const Environment& environment) : sizes_(environment) {}

    const Sizes& sizes() const { return sizes_; }
    /// Numbers of a table over pairs; the second parameter of a state stays without effect.
    Index size() const { return 2 * sizes_.states(); }

    void probabilities(const T* x, T* probability) const {
      using math::exp;
      for (Index i = 0; i < size(); i += 2) {
        probability[i] = T(1) / (T(1) + exp(-x[i]));
        probability[i + 1] = T(1) / (T(1) + exp(x[i]));
      }
    }
    /// From the derivative with respect to the probabilities to that with respect to x.
    void pull_back(const T* probability, T* gradient) const {
      for (Index i = 0; i < size(); i += 2) {
        gradient[i] = probability[i] * probability[i + 1] * (gradient[i] - gradient[i + 1]);
        gradient[i + 1] = T(0);
      }
    }
    void from_logits(const double* logits, int, T* x) const {
      for (Index i = 0; i < size(); i += 2) x[i] = T(logits[i] - logits[i + 1]);
    }

   private:
    Sizes sizes_;
  };
};
// [policy]

}  // namespace archetypes
