// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/cpu/reference_solve.hpp>
#include <optiform/environments/control/cart_pole.hpp>
#include <optiform/environments/runner.hpp>
#include <optiform/environments/tabular/evaluation.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/critics/gae.hpp>
#include <optiform/policy/policies/network_policy.hpp>
#include <optiform/policy/policies/softmax_table.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/stabilizers/entropy_bonus.hpp>
#include <optiform/policy/surrogates/policy_gradient.hpp>
#include <optiform/rules/rules.hpp>

#include "../support/gradient_check.hpp"

namespace optiform::testing {

TEST_CASE("EntropyBonus: on a table it adds the entropy's derivative, weighted by visits") {
  MdpBuilder builder(2, 3, 0.8);
  for (int s = 0; s < 2; ++s)
    for (int a = 0; a < 3; ++a) {
      builder.reward(s, a, 0.3 * a - 0.1 * s);
      builder.transition(s, a, (s + a) % 2, 1);
    }
  const TabularMdp<> mdp = builder.build();
  context_t<Reference> context(1);
  using Plain = PolicyOptimizer<PolicyGradient<GradientDescent>,
                                ExactCritic>::on<SoftmaxTable, TabularMdp<>, Reference>;
  using Bonus = PolicyOptimizer<PolicyGradient<GradientDescent>, ExactCritic,
                                EntropyBonus>::on<SoftmaxTable, TabularMdp<>, Reference>;
  Plain plain(mdp, context, {.improvement = {.learning_rate = 0.1}});
  Bonus bonus(mdp, context,
              {.improvement = {.learning_rate = 0.1}, .stabilizers = {EntropyBonus{0.25}}});
  std::vector<double> theta = {0.1, -0.4, 0.9, 0.3, 0, -1.2};
  plain.start_from(theta.data());
  bonus.start_from(theta.data());
  auto& batch = bonus.critic().evaluate(bonus.policy(), theta.data());
  const std::vector<double> weight(batch.state_weight, batch.state_weight + 2);
  plain.step();
  bonus.step();
  std::vector<double> added(6);
  for (std::size_t i = 0; i < 6; ++i)
    added[i] = bonus.improvement().gradient()[i] - plain.improvement().gradient()[i];

  const auto entropy = [&] {
    double sum = 0;
    for (std::size_t s = 0; s < 2; ++s) {
      double total = 0;
      for (std::size_t a = 0; a < 3; ++a) total += std::exp(theta[3 * s + a]);
      for (std::size_t a = 0; a < 3; ++a) {
        const double p = std::exp(theta[3 * s + a]) / total;
        sum -= 0.25 * weight[s] * p * std::log(p);
      }
    }
    return sum;
  };
  CHECK(check_gradients(entropy, {{"entropy", theta.data(), added.data(), 6}}).error < 1e-6);
}

TEST_CASE("EntropyBonus: a large one keeps a network's policy uniform") {
  using Algorithm = PolicyOptimizer<PolicyGradient<Adam>, GaeCritic, EntropyBonus>;
  using Learner = Algorithm::on<NetworkPolicy<16>, CartPole, Cpu, float>;
  context_t<Cpu> context(1);
  const auto entropy_after = [&](double coefficient) {
    Learner::Options o;
    o.improvement.learning_rate = 1e-2;
    o.critic.steps = 16;
    o.policy.last_gain = 4;  // starts far from uniform
    std::get<EntropyBonus>(o.stabilizers).coefficient = coefficient;
    Learner learner(context, o);
    for (int n = 0; n < 60; ++n) learner.step();
    return learner.improvement().evaluation().entropy();
  };
  CHECK(entropy_after(10) > 0.99 * std::log(2.0));
  CHECK(entropy_after(0) < 0.95 * std::log(2.0));
}

}  // namespace optiform::testing
