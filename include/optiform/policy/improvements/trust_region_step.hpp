// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A natural gradient step on a softmax table, as long as the mean Kullback-Leibler divergence from
/// the old policy allows, shortened until the bound holds and the surrogate has not fallen.
///
/// Units     the divergence is averaged over states by their share of the discounted visits.
/// Source    Schulman et al., "Trust region policy optimization", ICML 2015, appendix C.
struct TrustRegionStep {
  static constexpr bool needs_table = true;
  static constexpr bool takes_gradient_hooks = false;

  struct Options {
    double divergence = 0.01;  ///< largest mean divergence of one step
    double shrink = 0.8;       ///< factor of each shortening
    int most_shrinks = 30;
  };

  template <class Policy, class Backend, class T>
  class on {
    static_assert(lane_count<T> == 1,
                  "optiform: TrustRegionStep - the line search of one problem cannot wait for "
                  "another; use a plain scalar");

   public:
    static constexpr bool point_is_iterate = true;

    on(Policy& policy, context_t<Backend>&, Options options)
        : policy_(policy),
          options_(options),
          iterate_(policy.size()),
          candidate_(policy.size()),
          direction_(policy.size()),
          probability_(policy.size()),
          step_(policy.sizes().actions()) {
      if (!(options_.divergence > 0))
        fail("divergence = ", options_.divergence, ", expected a positive number");
      if (!(options_.shrink > 0 && options_.shrink < 1))
        fail("shrink = ", options_.shrink, ", expected a number between 0 and 1");
    }

    T* parameters() { return iterate_.data(); }
    const T* parameters() const { return iterate_.data(); }
    const T* point() const { return iterate_.data(); }
    Index size() const { return policy_.size(); }
    double rate() const { return rate_; }
    void begin() {}

    template <class Surrogate, class Batch, class Hooks>
    void improve(const Surrogate& surrogate, const Batch& batch, Hooks&) {
      const Index actions = batch.sizes.actions();
      T curvature(0), weights(0);
      for (int s = 0; s < batch.sizes.states(); ++s) {
        T* const g = direction_.data() + s * actions;
        const T* const p = batch.probability + s * actions;
        state_gradient(surrogate, batch, s, batch.probability, g);
        T mean(0);
        for (Index a = 0; a < actions; ++a) mean += p[a] * g[a];
        for (Index a = 0; a < actions; ++a) {
          g[a] = p[a] > T(0) ? g[a] - mean : T(0);
          curvature += batch.state_weight[s] * p[a] * g[a] * g[a];
        }
        weights += batch.state_weight[s];
      }
      rate_ = 0;
      if (!(curvature > T(0))) return;  // already greedy
      using math::sqrt;
      T length = sqrt(T(2 * options_.divergence) * weights / curvature);
      const T before = surrogate_value(surrogate, batch, batch.probability);
      for (int i = 0; i <= options_.most_shrinks; ++i) {
        move(batch, length);
        const T divergence = mean_divergence(batch, weights);
        if (divergence <= T(options_.divergence) &&
            surrogate_value(surrogate, batch, probability_.data()) >= before) {
          for (Index i2 = 0; i2 < policy_.size(); ++i2) iterate_[i2] = candidate_[i2];
          rate_ = static_cast<double>(length);
          return;
        }
        length *= T(options_.shrink);
      }
    }

   private:
    template <class Batch>
    void move(const Batch& batch, T length) {
      const Index actions = batch.sizes.actions();
      for (int s = 0; s < batch.sizes.states(); ++s) {
        for (Index a = 0; a < actions; ++a) {
          candidate_[s * actions + a] = iterate_[s * actions + a];
          step_[a] = length * direction_[s * actions + a];
        }
        exponentiated_step(batch.sizes, step_.data(), candidate_.data() + s * actions);
      }
      policy_.probabilities(candidate_.data(), probability_.data());
    }
    template <class Batch>
    T mean_divergence(const Batch& batch, T weights) const {
      using math::log;
      const Index actions = batch.sizes.actions();
      T total(0);
      for (int s = 0; s < batch.sizes.states(); ++s)
        for (Index pair = s * actions; pair < (s + 1) * actions; ++pair)
          if (batch.probability[pair] > T(0))
            total += batch.state_weight[s] * batch.probability[pair] *
                     log(batch.probability[pair] / probability_[pair]);
      return total / weights;
    }

    Policy& policy_;
    Options options_;
    double rate_ = 0;
    Buffer<T> iterate_, candidate_, direction_, probability_, step_;
  };
};

OPTIFORM_NAMESPACE_END
