// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/policy/critics/exact.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Draws states from the discounted visits and actions from the policy. With it the policy gradient
/// is estimated without bias by A(s, a) (1[b = a] - pi(b | s)) / (1 - gamma).
///
/// Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024, stochastic
///           variants.
struct VisitedPairs {
  /// Shapes  counted [states, actions], state_weight [states]: of one lane, `stride` apart.
  template <class Number, class Batch>
  static void draw(Rng& rng, const Batch& batch, int lane_index, double discount, int samples,
                   Number* importance, Number* state_weight, int stride) {
    const int states = batch.sizes.states(), actions = batch.sizes.actions();
    double visits = 0;
    for (int s = 0; s < states; ++s) {
      visits += static_cast<double>(lane(batch.state_weight[s], lane_index));
      state_weight[s * stride] = static_cast<Number>(1 / ((1 - discount) * samples));
    }
    for (int i = 0; i < samples; ++i) {
      const int s = pick(rng, states, visits, [&](int state) {
        return static_cast<double>(lane(batch.state_weight[state], lane_index));
      });
      const auto probability = [&](int a) {
        return static_cast<double>(
            lane(batch.probability[static_cast<Index>(s) * actions + a], lane_index));
      };
      const int a = pick(rng, actions, 1, probability);
      importance[(static_cast<Index>(s) * actions + a) * stride] +=
          static_cast<Number>(1 / probability(a));
    }
  }

 private:
  /// An index with the given probability times `total`; never one of probability zero.
  template <class F>
  static int pick(Rng& rng, int n, double total, F&& weight) {
    double left = rng.uniform() * total;
    int last = 0;
    for (int i = 0; i < n; ++i) {
      const double w = weight(i);
      if (!(w > 0)) continue;
      last = i;
      left -= w;
      if (left < 0) break;
    }
    return last;
  }
};

/// Takes one action of every state, each available one equally often: at most one pair of a state
/// in the data, every pair infinitely often.
///
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, assumptions
///           2 and 3.
struct OneActionPerState {
  template <class Number, class Batch>
  static void draw(Rng& rng, const Batch& batch, int lane_index, double, int, Number* importance,
                   Number* state_weight, int stride) {
    const int states = batch.sizes.states(), actions = batch.sizes.actions();
    for (int s = 0; s < states; ++s) {
      state_weight[s * stride] = lane(batch.state_weight[s], lane_index);
      const auto probability = [&](int a) {
        return lane(batch.probability[static_cast<Index>(s) * actions + a], lane_index);
      };
      int available = 0;
      for (int a = 0; a < actions; ++a) available += probability(a) > Number(0) ? 1 : 0;
      auto chosen = static_cast<int>(rng.below(static_cast<std::uint64_t>(available)));
      for (int a = 0; a < actions; ++a) {
        if (!(probability(a) > Number(0)) || chosen-- != 0) continue;
        importance[(static_cast<Index>(s) * actions + a) * stride] = Number(1) / probability(a);
      }
    }
  }
};

/// The exact table of advantages, of which only drawn pairs count.
///
/// Contract  the same seed gives the same data; lane i draws from stream `first_stream` + i.
template <class Sampler>
struct SampledCritic {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::model;
  static constexpr unsigned provides = ExactCritic::provides;

  struct Options {
    std::uint64_t seed = 1;
    std::uint64_t first_stream = 0;
    int samples = 1;  ///< pairs per iteration, where the sampler draws them freely
  };

  template <class Policy, class Environment, class Backend, class T>
  class on : public ExactCritic::on<Policy, Environment, Backend, T> {
    using Exact = ExactCritic::on<Policy, Environment, Backend, T>;

   public:
    using typename Exact::Batch;

    on(const Environment& environment, context_t<Backend>& context, const Policy& policy,
       Options options)
        : Exact(environment, context, policy, {}),
          environment_(environment),
          options_(options),
          importance_(policy.size()),
          state_weight_(policy.sizes().states()) {
      if (options.samples < 1) fail("samples = ", options.samples, ", expected at least 1");
      for (int i = 0; i < lane_count<T>; ++i)
        rng_.emplace_back(options.seed, options.first_stream + static_cast<std::uint64_t>(i));
    }

    Batch& evaluate(const Policy& policy, const T* parameters) {
      Batch& batch = Exact::evaluate(policy, parameters);
      for (T& count : importance_) count = T(0);
      const auto discount = environment_.discount();
      for (int i = 0; i < lane_count<T>; ++i)
        Sampler::draw(rng_[static_cast<std::size_t>(i)], batch, i,
                      static_cast<double>(lane(discount, i)), options_.samples,
                      &lane(importance_[0], i), &lane(state_weight_[0], i), lane_count<T>);
      batch.importance = importance_.data();
      batch.state_weight = state_weight_.data();
      return batch;
    }

   private:
    const Environment& environment_;
    Options options_;
    Buffer<T> importance_, state_weight_;
    std::vector<Rng> rng_;
  };
};

OPTIFORM_NAMESPACE_END
