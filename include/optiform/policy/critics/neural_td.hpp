// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/networks/averaged_descent.hpp>
#include <optiform/policy/networks/cumulative.hpp>
#include <optiform/policy/networks/two_layer_relu.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Temporal differences with a two-layer network, on tuples drawn from the model:
///
///   w <- Proj(w - eta (Q_w(s, a) - r - gamma Q_w(s', a')) dQ_w(s, a)/dw),   A = Q - sum_a pi Q
///
/// with (s, a) from the discounted visits and the policy, s' from the transition and a' from the
/// policy; Q is the network at the mean of the iterates.
///
/// Contract  state weights are exact, only the advantages are learned; objective and gap are those
///           of the exact evaluation and meant for reports. The same seed gives the same data, and
///           with the seed and the width of an EnergyNetwork both start at the same weights.
/// Errors    Error for options that are not positive.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, algorithm 5;
///           Cai, Yang, Lee, Wang, "Neural temporal-difference learning converges to global
///           optima", NeurIPS 2019.
template <class Features = PairIndicators>
struct BasicNeuralTdCritic {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::model;
  static constexpr unsigned provides = ExactCritic::provides;

  struct Options {
    int width = 256;
    DescentOptions fit{.samples = 65536, .radius = 1000};
    std::uint64_t seed = 1;
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
          features_(
              FeatureTable<T>::template of<Features>(environment.states(), environment.actions())),
          network_(features_.inputs(), options.width, options.seed),
          descent_(network_.parameters(), options.fit),
          weights_(network_.parameters()),
          action_value_(environment.pairs()),
          advantage_(action_value_.size()),
          rng_(options.seed, sample_stream) {
      for (Index i = 0; i < weights_.size(); ++i) weights_[i] = network_.initial()[i];
      for (Index pair = 0; pair < environment.pairs(); ++pair)
        successors_.push_back(successors(pair));
    }

    Batch& evaluate(const Policy& policy, const T* parameters) {
      Batch& batch = Exact::evaluate(policy, parameters);
      learn_action_value(batch);
      const Index actions = environment_.actions();
      for (Index s = 0; s < environment_.states(); ++s) {
        T value(0);
        for (Index pair = s * actions; pair < (s + 1) * actions; ++pair)
          value += batch.probability[pair] * action_value_[pair];
        for (Index pair = s * actions; pair < (s + 1) * actions; ++pair)
          advantage_[pair] = environment_.available(pair) ? action_value_[pair] - value : T(0);
      }
      exact_advantage_ = batch.advantage;
      batch.advantage = advantage_.data();
      return batch;
    }

    /// Of the policy that was evaluated last, [states, actions].
    const T* action_value() const { return action_value_.data(); }
    const T* exact_advantage() const { return exact_advantage_; }
    const TwoLayerRelu<T>& network() const { return network_; }
    const AveragedDescent<T>& descent() const { return descent_; }

   private:
    static constexpr std::uint64_t sample_stream = 2;

    Cumulative successors(Index pair) const {
      Cumulative next;
      if constexpr (requires { environment_.begin(pair)->state; }) {
        for (const auto* n = environment_.begin(pair); n != environment_.end(pair); ++n)
          next.append(n->state, n->probability);
      } else {
        const Index states = environment_.states();
        for (Index n = 0; n < states; ++n) {
          const auto p = static_cast<double>(environment_.discounted_transition[pair * states + n]);
          if (p > 0) next.append(n, p);
        }
      }
      return next;
    }

    void learn_action_value(const Batch& batch) {
      const Index states = environment_.states(), actions = environment_.actions();
      std::vector<double> visited(static_cast<std::size_t>(environment_.pairs()));
      std::vector<Cumulative> action(static_cast<std::size_t>(states));
      for (Index s = 0; s < states; ++s)
        for (Index a = 0; a < actions; ++a) {
          const auto p = static_cast<double>(batch.probability[s * actions + a]);
          visited[static_cast<std::size_t>(s * actions + a)] =
              static_cast<double>(batch.state_weight[s]) * p;
          if (p > 0) action[static_cast<std::size_t>(s)].append(a, p);
        }
      const Cumulative pairs(visited);
      const T discount = environment_.discount();
      descent_.begin(network_, weights_.data());
      for (std::int64_t i = 0; i < descent_.samples(); ++i) {
        const Index pair = pairs.draw(rng_);
        T target = environment_.reward(pair);
        // Without a discount a process of one step may have no successor.
        if (discount > T(0)) {
          const Index next = successors_[static_cast<std::size_t>(pair)].draw(rng_);
          const Index then = next * actions + action[static_cast<std::size_t>(next)].draw(rng_);
          target += discount * network_.value(descent_.iterate(), features_.row(then));
        }
        const auto x = features_.row(pair);
        descent_.step(network_, x, network_.value(descent_.iterate(), x) - target);
      }
      for (Index i = 0; i < weights_.size(); ++i) weights_[i] = descent_.result()[i];
      for (Index pair = 0; pair < action_value_.size(); ++pair)
        action_value_[pair] = network_.value(weights_.data(), features_.row(pair));
    }

    const Environment& environment_;
    FeatureTable<T> features_;
    TwoLayerRelu<T> network_;
    AveragedDescent<T> descent_;
    Buffer<T> weights_, action_value_, advantage_;
    const T* exact_advantage_ = nullptr;
    std::vector<Cumulative> successors_;
    Rng rng_;
  };
};

using NeuralTdCritic = BasicNeuralTdCritic<>;

OPTIFORM_NAMESPACE_END
