// SPDX-License-Identifier: MIT
#include <cstdint>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/environments/control/cart_pole.hpp>
#include <optiform/environments/runner.hpp>
#include <optiform/policy/critics/gae.hpp>
#include <optiform/policy/policies/network_policy.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/stabilizers/entropy_bonus.hpp>
#include <optiform/policy/stabilizers/gradient_transforms.hpp>
#include <optiform/policy/surrogates/hinge.hpp>
#include <optiform/policy/surrogates/policy_gradient.hpp>
#include <optiform/rules/rules.hpp>

#include "rollout_environments.hpp"

namespace optiform::testing {

namespace {

using A2c = PolicyOptimizer<PolicyGradient<Adam>, GaeCritic, EntropyBonus, ClippedGradientNorm>;
using Reinforce = PolicyOptimizer<PolicyGradient<Adam>, MonteCarloCritic>;
using PpoClip = PolicyOptimizer<Hinge<Ratio>, GaeCritic, EntropyBonus, ClippedGradientNorm>;

template <class Algorithm, class Environment = CartPole>
using Learner = typename Algorithm::template on<NetworkPolicy<64, 64>, Environment, Cpu, float>;

// The rules are the library's, not some rollout code's own.
static_assert(std::is_same_v<Learner<A2c>::ImprovementOn,
                             GradientStep<Adam>::on<Learner<A2c>::PolicyOn, Cpu, float>>);
static_assert(std::is_same_v<Hinge<Ratio>::Improvement, GradientStep<Adam>>);
static_assert(std::is_base_of_v<Rule, GradientStep<Adam>::Rule>);
static_assert(std::is_same_v<Learner<A2c>::ImprovementOn::Ascent, RuleAscent<Adam, Cpu, float>>);

/// Coefficients as PPO's: a long second moment, and steps that shrink.
CoefficientSchedules shrinking(double first, double factor) {
  return {{"gamma", CoefficientSchedule::geometric(first, factor)},
          {"beta2", 0.999},
          {"epsilon", 1e-5}};
}

template <class L>
typename L::Options seeded(typename L::Options options, std::uint64_t seed) {
  options.critic.seed = options.policy.seed = seed;
  return options;
}

template <class L>
typename L::Options a2c_options() {
  typename L::Options o;
  o.improvement.schedules = shrinking(3e-3, 0.9924);
  o.critic.environments = 8;
  o.critic.steps = 32;
  o.critic.advantages = AdvantageScale::raw;
  o.critic.value.learning_rate = 3e-3;
  o.critic.value.schedules = {{"beta2", 0.999}, {"epsilon", 1e-5}};
  o.critic.value.epochs = 4;
  return o;
}

/// Mean return of the last 20 episodes after some iterations.
template <class L>
double train(L& learner, int iterations) {
  for (int n = 0; n < iterations; ++n) learner.step();
  return learner.critic().runner().log().mean_return(20);
}

}  // namespace

TEST_CASE("PolicyOptimizer: A2C learns CartPole in 100,000 steps") {
  using L = Learner<A2c>;
  for (const std::uint64_t seed : {1u, 2u}) {
    CAPTURE(seed);
    context_t<Cpu> context(1);
    L learner(context, seeded<L>(a2c_options<L>(), seed));
    const double untrained = train(learner, 5);
    const double trained = train(learner, 385);
    CHECK(learner.critic().runner().steps() < 100000);
    CHECK(untrained < 60);
    CHECK(trained >= 195);
  }
}

TEST_CASE("PolicyOptimizer: REINFORCE learns CartPole in 100,000 steps") {
  using L = Learner<Reinforce>;
  L::Options o;
  o.improvement.schedules = shrinking(1e-2, 0.95);
  o.critic.environments = 8;
  o.critic.steps = 256;
  o.critic.lambda = 1;
  for (const std::uint64_t seed : {1u, 2u}) {
    CAPTURE(seed);
    context_t<Cpu> context(1);
    L learner(context, seeded<L>(o, seed));
    CHECK(train(learner, 48) >= 195);
  }
}

TEST_CASE("PolicyOptimizer: PPO-Clip is the same types with epochs and minibatches") {
  using L = Learner<PpoClip>;
  L::Options o;
  o.improvement.schedules = shrinking(1e-3, 0.998);
  o.improvement.epochs = 10;
  o.improvement.minibatches = 4;
  o.critic.environments = 8;
  o.critic.steps = 64;
  o.critic.discount = 0.98;
  o.critic.lambda = 0.9;
  o.critic.advantages = AdvantageScale::minibatch;
  o.critic.value.epochs = 10;
  o.critic.value.minibatches = 4;
  for (const std::uint64_t seed : {1u, 2u}) {
    CAPTURE(seed);
    context_t<Cpu> context(1);
    L learner(context, seeded<L>(o, seed));
    CHECK(train(learner, 60) >= 195);
  }
}

TEST_CASE("PolicyOptimizer: Nesterov accelerates A2C through the same driver") {
  using L = Learner<PolicyOptimizer<PolicyGradient<Nesterov>, GaeCritic, ClippedGradientNorm>>;
  L::Options o;
  o.improvement.schedules = {{"gamma", CoefficientSchedule::geometric(0.03, 0.994)}};
  o.critic.environments = 8;
  o.critic.steps = 32;
  o.critic.value.learning_rate = 3e-3;
  o.critic.value.epochs = 4;
  context_t<Cpu> context(1);
  L learner(context, o);
  CHECK(train(learner, 390) >= 195);
}

TEST_CASE("PolicyOptimizer: a Gaussian policy learns real actions") {
  using L = Learner<PpoClip, Echo>;
  L::Options o;
  o.improvement.learning_rate = 3e-3;
  o.improvement.epochs = 4;
  o.improvement.minibatches = 4;
  o.critic.environments = 16;
  o.critic.steps = 32;
  o.critic.discount = 0.5;
  std::get<EntropyBonus>(o.stabilizers).coefficient = 0;
  context_t<Cpu> context(1);
  L learner(context, o);
  const double before = train(learner, 2), after = train(learner, 60);
  CHECK(before < -15);  // deviation 1 in both numbers, ten steps
  CHECK(after > -4);
}

TEST_CASE("PolicyOptimizer: the smallest environment is learned exactly") {
  using L = Learner<Reinforce, SmallestEnvironment>;
  L::Options o;
  o.improvement.learning_rate = 1e-2;
  o.critic.steps = 16;
  context_t<Cpu> context(1);
  L learner(context, o);
  CHECK(train(learner, 60) > 0.95);
}

TEST_CASE("PolicyOptimizer: rollouts give the same bits with one thread and with two") {
  using L = Learner<PpoClip>;
  auto o = a2c_options<L>();
  o.critic.environments = 16;
  o.critic.steps = 64;
  o.improvement.epochs = 2;
  o.improvement.minibatches = 2;
  o.critic.value.minibatches = 2;
  context_t<Cpu> one(1), two(2);
  L first(one, o), second(two, o), again(one, o);
  for (int n = 0; n < 6; ++n) first.step(), second.step(), again.step();
  bool same = true, repeated = true;
  for (Index i = 0; i < first.policy().size(); ++i) {
    same = same && first.parameters()[i] == second.parameters()[i];
    repeated = repeated && first.parameters()[i] == again.parameters()[i];
  }
  CHECK(same);
  CHECK(repeated);
  CHECK(first.critic().runner().log().mean_return(100) ==
        second.critic().runner().log().mean_return(100));
  o.critic.seed = 2;
  L other(one, o);
  for (int n = 0; n < 6; ++n) other.step();
  CHECK(other.parameters()[0] != first.parameters()[0]);
}

}  // namespace optiform::testing
