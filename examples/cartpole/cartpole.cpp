// SPDX-License-Identifier: MIT
// Advantage actor-critic (A2C) balances a pole: a surrogate, a critic and two stabilizers are the
// algorithm; the policy is improved and the value is taught by the same rule that makes layers.
//
// Run: cartpole [seed [threads]]      about half a second; the same seed prints the same table
// Last line: solved: yes (a mean return of 195 or more over the last 20 episodes)
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <optiform/rollout.hpp>

using namespace optiform;

// The algorithm. Hinge<Ratio> in place of the first argument, and epochs and minibatches below,
// make it PPO-Clip; MonteCarloCritic in place of the second makes it REINFORCE.
using A2c = PolicyOptimizer<PolicyGradient<Adam>, GaeCritic, EntropyBonus, ClippedGradientNorm>;
// What it runs on: two hidden layers of 64. Another environment changes only the second type.
using Learner = A2c::on<NetworkPolicy<64, 64>, CartPole, Cpu, float>;

int main(int argc, char** argv) {
  const auto seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;

  Learner::Options options;
  options.improvement.schedules = {{"gamma", CoefficientSchedule::geometric(3e-3, 0.9924)},
                                   {"beta2", 0.999},
                                   {"epsilon", 1e-5}};  // Adam's step shrinks 20-fold
  options.critic.environments = 8;
  options.critic.steps = 32;
  options.critic.discount = 0.99;
  options.critic.lambda = 0.95;
  options.critic.advantages = AdvantageScale::raw;
  options.critic.value.learning_rate = 3e-3;
  options.critic.value.schedules = {{"beta2", 0.999}, {"epsilon", 1e-5}};
  options.critic.value.epochs = 4;
  options.critic.seed = options.policy.seed = seed;

  context_t<Cpu> context(threads);
  Learner learner(context, options);
  const auto& runner = learner.critic().runner();
  std::printf("%9s %9s %12s %9s\n", "steps", "episodes", "mean return", "entropy");
  for (int iteration = 1; iteration <= 390; ++iteration) {
    learner.step();
    if (iteration % 39 != 0) continue;
    std::printf("%9lld %9lld %12.1f %9.3f\n", static_cast<long long>(runner.steps()),
                static_cast<long long>(runner.log().episodes()), runner.log().mean_return(20),
                static_cast<double>(learner.improvement().evaluation().entropy()));
  }
  const bool solved = runner.log().mean_return(20) >= 195;
  std::printf("solved: %s (a mean return of 195 or more over the last 20 episodes)\n",
              solved ? "yes" : "no");
  return solved ? 0 : 1;
}
