// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/concepts.hpp>
#include <optiform/policy/critics/value_network.hpp>
#include <optiform/policy/rollout_batch.hpp>
#include <optiform/rules/adam.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Opened by environments that can be acted in: how many copies of one are stepped together.
/// Specialised in <optiform/environments/runner.hpp>.
template <class Environment, class T>
struct rollout_runner;

/// Generalised advantage estimation, backwards in time:
///
///   delta_t = r_t + discount V'_t - V_t,   V'_t = 0 where the episode terminated
///   A_t = delta_t + discount lambda A_{t+1},   without the last term where the episode ended
///
/// Shapes    all [steps, environments]; advantage = like reward
/// Contract  next_value is V' of what the action led to: after a truncation the value of the
///           episode's own last observation, not of the next episode's first. A termination is
///           worth nothing even in a step that was truncated, too.
/// Source    Schulman, Moritz, Levine, Jordan, Abbeel, "High-dimensional continuous control using
///           generalized advantage estimation", ICLR 2016; truncation: Pardo, Tavakoli, Levdik,
///           Kormushev, "Time limits in reinforcement learning", ICML 2018.
template <class T>
void generalised_advantages(int steps, int environments, const T* reward, const Ending* ending,
                            const T* value, const T* next_value, double discount, double lambda,
                            T* advantage) {
  const T gamma = static_cast<T>(discount), carried = static_cast<T>(discount * lambda);
  for (int t = steps - 1; t >= 0; --t) {
    for (int i = 0; i < environments; ++i) {
      const Index at = static_cast<Index>(t) * environments + i;
      T a = reward[at] - value[at];
      if (ending[at] != Ending::terminated) a += gamma * next_value[at];
      if (ending[at] == Ending::none && t + 1 < steps) a += carried * advantage[at + environments];
      advantage[at] = a;
    }
  }
}

/// Acts with the current policy in several environments for a fixed number of steps, estimates
/// advantages with a value of its own, and teaches that value the returns. Episodes go on from one
/// rollout to the next.
///
///   GaeCritic            a value network, tanh 64-64, trained by Adam: A2C and PPO
///   MonteCarloCritic     no value. With lambda = 1 the advantage is the discounted return:
///                        REINFORCE
///
/// Shapes    a batch has steps x environments rows, see RolloutBatch
/// Contract  same seed, same data, whatever the number of threads. The environment is copied.
///           Nothing is allocated once the first iteration is over.
/// Limits    MonteCarloCritic counts the rewards inside of one rollout: REINFORCE on the return of
///           a window of `steps` steps, in place of whole episodes.
/// Errors    Error for sizes below 1 and for a discount or lambda outside of [0, 1].
/// Source    A2C: Mnih et al., "Asynchronous methods for deep reinforcement learning", ICML 2016;
///           REINFORCE: Williams, "Simple statistical gradient-following algorithms for
///           connectionist reinforcement learning", 1992.
template <class Value>
struct BasicGaeCritic {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::rollout;
  static constexpr unsigned provides = nothing;

  struct Options {
    int environments = 8;
    int steps = 128;  ///< of every environment in one rollout
    double discount = 0.99;
    double lambda = 0.95;  ///< 1: returns, little bias; 0: one step, little variance
    AdvantageScale advantages = AdvantageScale::batch;
    std::uint64_t seed = 1;  ///< of environments, actions, minibatches and value weights
    typename Value::Options value = {};
  };

  template <class Policy, class Environment, class Backend, class T>
  class on {
    static_assert(
        requires { typename Policy::Evaluation; },
        "optiform: GaeCritic - the policy draws no actions; use NetworkPolicy, or an exact critic");

   public:
    using Runner = typename rollout_runner<Environment, T>::type;
    using Batch = RolloutBatch<T, typename Policy::ActionNumber>;
    using ValueOn = typename Value::template on<Environment::observation_size, Backend, T>;

    on(const Environment& environment, context_t<Backend>& context, const Policy& policy,
       Options options)
        : context_(context),
          options_(checked(std::move(options))),
          runner_(environment, options_.environments, options_.seed,
                  stream_number(RandomStream::environment)),
          acting_(policy, context),
          value_(context, options_.value, options_.seed),
          batch_(options_.steps, options_.environments, Environment::observation_size,
                 Environment::ActionSpace::columns, options_.advantages, options_.seed),
          final_value_(options_.environments) {
      for (int i = 0; i < options_.environments; ++i)
        rng_.emplace_back(options_.seed, stream_number(RandomStream::action, i));
    }

    /// A rollout of the policy at the given parameters.
    Batch& evaluate(const Policy&, const T* parameters) {
      for (int t = 0; t < options_.steps; ++t) act(parameters, t);
      estimate();
      return batch_;
    }
    /// Teaches the value the batch's targets.
    void learn(const Policy&, Batch& batch) { value_.learn(batch); }
    /// Rollouts are never kept.
    void forget() {}
    void forget_query() {}

    Runner& runner() { return runner_; }
    ValueOn& value() { return value_; }

   private:
    static Options checked(Options options) {
      const auto share = [](const char* name, double number) {
        if (!(number >= 0 && number <= 1))
          fail(name, " = ", number, ", expected a number between 0 and 1");
      };
      share("discount", options.discount);
      share("lambda", options.lambda);
      return options;
    }

    void act(const T* parameters, int t) {
      const int count = options_.environments;
      const Index first = static_cast<Index>(t) * count;
      const T* const seen = runner_.observation();
      std::copy(seen, seen + count * Environment::observation_size, batch_.observation(first));
      acting_.forward(parameters, count, batch_.observation(first));
      for (int i = 0; i < count; ++i)
        batch_.log_probability()[first + i] =
            acting_.sample(i, rng_[static_cast<std::size_t>(i)], batch_.action(first + i));
      runner_.step(context_, batch_.action(first));
      bool truncated = false;
      for (int i = 0; i < count; ++i) {
        const auto& outcome = runner_.outcome(i);
        batch_.reward()[first + i] = static_cast<T>(outcome.reward);
        Ending& ending = batch_.ending()[first + i];
        ending = outcome.terminated  ? Ending::terminated
                 : outcome.truncated ? Ending::truncated
                                     : Ending::none;
        truncated = truncated || ending == Ending::truncated;
      }
      if (!truncated) return;
      value_.evaluate(count, runner_.final_observation(), final_value_.data());
      for (int i = 0; i < count; ++i) batch_.next_value()[first + i] = final_value_[i];
    }

    void estimate() {
      const Index rows = batch_.rows(), count = options_.environments;
      value_.evaluate(rows, batch_.observation(), batch_.value());
      value_.evaluate(count, runner_.observation(), final_value_.data());
      for (Index r = 0; r < rows; ++r) {
        if (batch_.ending()[r] == Ending::truncated) continue;
        const Index next = r + count;
        batch_.next_value()[r] = next < rows ? batch_.value()[next] : final_value_[next - rows];
      }
      generalised_advantages(options_.steps, options_.environments, batch_.reward(),
                             batch_.ending(), batch_.value(), batch_.next_value(),
                             options_.discount, options_.lambda, batch_.advantage());
      for (Index r = 0; r < rows; ++r)
        batch_.target()[r] = batch_.advantage()[r] + batch_.value()[r];
      batch_.scale_advantages();
    }

    context_t<Backend>& context_;
    Options options_;
    Runner runner_;
    typename Policy::Evaluation acting_;
    ValueOn value_;
    Batch batch_;
    Buffer<T> final_value_;
    std::vector<Rng> rng_;
  };
};

using GaeCritic = BasicGaeCritic<ValueNetwork<Adam, Tanh, 64, 64>>;
using MonteCarloCritic = BasicGaeCritic<NoValue>;

OPTIFORM_NAMESPACE_END
