// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>
#include <optiform/environments/control/cart_pole.hpp>
#include <optiform/environments/runner.hpp>
#include <optiform/policy/critics/gae.hpp>
#include <optiform/policy/policies/network_policy.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/surrogates/policy_gradient.hpp>
#include <optiform/rules/rules.hpp>

#include "rollout_environments.hpp"

namespace optiform::testing {

namespace {

using ActorCritic = PolicyOptimizer<PolicyGradient<Adam>, GaeCritic>;
using MonteCarlo = PolicyOptimizer<PolicyGradient<Adam>, MonteCarloCritic>;

/// The advantage of one step by its definition: the sum of (discount lambda)^k delta_{t+k} up to
/// the end of the episode or of the data.
double advantage_by_sum(int steps, int environments, int t, int i,
                        const std::vector<double>& reward, const std::vector<Ending>& ending,
                        const std::vector<double>& value, const std::vector<double>& next,
                        double discount, double lambda) {
  double sum = 0, factor = 1;
  for (int k = t; k < steps; ++k) {
    const auto at = static_cast<std::size_t>(k * environments + i);
    const double after = ending[at] == Ending::terminated ? 0 : next[at];
    sum += factor * (reward[at] + discount * after - value[at]);
    if (ending[at] != Ending::none) break;
    factor *= discount * lambda;
  }
  return sum;
}

}  // namespace

TEST_CASE("GaeCritic: advantages are the sums of discounted errors, cut at both kinds of end") {
  constexpr int steps = 40, environments = 3, n = steps * environments;
  Rng rng(2);
  std::vector<double> reward(n), value(n), next(n), advantage(n);
  std::vector<Ending> ending(n, Ending::none);
  for (std::size_t r = 0; r < n; ++r) {
    reward[r] = rng.normal();
    value[r] = rng.normal();
    next[r] = rng.normal();
    const double u = rng.uniform();
    if (u < 0.1) ending[r] = Ending::terminated;
    if (u > 0.9) ending[r] = Ending::truncated;
  }
  for (const double lambda : {0.0, 0.6, 1.0}) {
    generalised_advantages(steps, environments, reward.data(), ending.data(), value.data(),
                           next.data(), 0.9, lambda, advantage.data());
    for (int t = 0; t < steps; ++t)
      for (int i = 0; i < environments; ++i) {
        const double expected =
            advantage_by_sum(steps, environments, t, i, reward, ending, value, next, 0.9, lambda);
        CHECK(advantage[static_cast<std::size_t>(t * environments + i)] ==
              doctest::Approx(expected).epsilon(1e-12));
      }
  }
}

TEST_CASE("GaeCritic: a truncated episode keeps the value of its own last observation") {
  context_t<Reference> context;
  ActorCritic::on<NetworkPolicy<8>, Countdown, Reference>::Options options;
  options.improvement.learning_rate = 1e-3;
  options.critic.environments = 3;
  options.critic.steps = 25;
  options.critic.discount = 0.9;
  options.critic.lambda = 0.7;
  options.critic.advantages = AdvantageScale::raw;
  ActorCritic::on<NetworkPolicy<8>, Countdown, Reference> learner(context, options);
  auto& critic = learner.critic();

  for (int rollout = 0; rollout < 3; ++rollout) {
    auto& batch = critic.evaluate(learner.policy(), learner.improvement().point());
    const auto value_of = [&](double left, double start) {
      const double seen[2] = {left * 0.25, start * 0.125};
      double value = 0;
      critic.value().evaluate(1, seen, &value);
      return value;
    };
    int truncated = 0, terminated = 0;
    for (int i = 0; i < 3; ++i) {
      double next_advantage = 0;
      for (int t = 24; t >= 0; --t) {
        const Index row = t * 3 + i;
        const double left = batch.observation(row)[0] * 4, start = batch.observation(row)[1] * 8;
        const bool over = left == 1, even = std::fmod(start, 2) == 0;
        // The last step of the data looks at the environment itself, all others at the same
        // episode: what follows a step is one less of the same countdown.
        const double after = over && even ? 0 : value_of(left - 1, start);
        const double delta = (left - 1) + 0.9 * after - value_of(left, start);
        const double expected = delta + (over ? 0 : 0.9 * 0.7 * next_advantage);
        CHECK(batch.advantage()[row] == doctest::Approx(expected).epsilon(1e-12));
        CHECK(batch.target()[row] ==
              doctest::Approx(expected + value_of(left, start)).epsilon(1e-12));
        next_advantage = expected;
        truncated += over && !even;
        terminated += over && even;
      }
    }
    CHECK(truncated > 0);
    CHECK(terminated > 0);
  }
}

TEST_CASE("GaeCritic: it records what the policy did, where the improvement asks") {
  // Nesterov asks ahead of its iterate: there the data are taken, and there the ratio is 1.
  using Ahead = PolicyOptimizer<PolicyGradient<Nesterov>, GaeCritic>;
  using Learner = Ahead::on<NetworkPolicy<16>, CartPole, Cpu, double>;
  context_t<Cpu> context(1);
  Learner::Options options;
  options.improvement.learning_rate = 0.5;
  options.critic.environments = 4;
  options.critic.steps = 32;
  Learner learner(context, options);
  for (int n = 0; n < 3; ++n) learner.step();
  auto& improvement = learner.improvement();
  CHECK(improvement.point()[0] != improvement.parameters()[0]);

  auto& batch = learner.critic().evaluate(learner.policy(), improvement.point());
  batch.divide(1);
  const auto part = batch.part(0);
  CHECK(part.rows == 128);
  auto& evaluation = improvement.evaluation();
  evaluation.forward(improvement.point(), part.rows, part.observation);
  int left = 0;
  for (Index r = 0; r < part.rows; ++r) {
    CHECK(evaluation.log_probability(r, part.action + r) == part.old_log_probability[r]);
    left += part.action[r] == 0;
  }
  CHECK(left > 20);
  CHECK(left < 108);
}

TEST_CASE("MonteCarloCritic: the advantage is the discounted return inside of the rollout") {
  context_t<Reference> context;
  using Learner = MonteCarlo::on<NetworkPolicy<4>, Countdown, Reference>;
  Learner::Options options;
  options.improvement.learning_rate = 1e-3;
  options.critic.environments = 2;
  options.critic.steps = 12;
  options.critic.discount = 0.5;
  options.critic.lambda = 1;
  options.critic.advantages = AdvantageScale::raw;
  Learner learner(context, options);
  auto& batch = learner.critic().evaluate(learner.policy(), learner.improvement().point());
  for (int i = 0; i < 2; ++i) {
    double sum = 0;
    for (int t = 11; t >= 0; --t) {
      const double left = batch.observation(t * 2 + i)[0] * 4;
      sum = (left - 1) + (left == 1 ? 0 : 0.5 * sum);
      CHECK(batch.advantage()[t * 2 + i] == doctest::Approx(sum).epsilon(1e-12));
    }
  }
}

TEST_CASE("RolloutBatch: minibatches hold every row once, in a new order every time") {
  RolloutBatch<double, int> batch(6, 4, 1, 1, AdvantageScale::minibatch, 3);
  for (Index r = 0; r < 24; ++r) {
    batch.observation(r)[0] = static_cast<double>(r);
    batch.action(r)[0] = static_cast<int>(r);
    batch.log_probability()[r] = -static_cast<double>(r);
    batch.advantage()[r] = static_cast<double>(r * r);
    batch.target()[r] = static_cast<double>(2 * r);
  }
  std::vector<std::vector<int>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    batch.divide(5);
    std::vector<int> order, seen(24, 0);
    for (int m = 0; m < 5; ++m) {
      const auto part = batch.part(m);
      CHECK(part.rows >= 4);
      double mean = 0, square = 0;
      for (Index r = 0; r < part.rows; ++r) {
        const int row = part.action[r];
        order.push_back(row);
        ++seen[static_cast<std::size_t>(row)];
        CHECK(part.observation[r] == row);
        CHECK(part.old_log_probability[r] == -row);
        CHECK(part.target[r] == 2 * row);
        mean += part.advantage[r];
        square += part.advantage[r] * part.advantage[r];
      }
      CHECK(mean == doctest::Approx(0));
      CHECK(square / static_cast<double>(part.rows - 1) == doctest::Approx(1));
    }
    for (const int count : seen) CHECK(count == 1);
    orders.push_back(order);
  }
  CHECK(orders[0] != orders[1]);
  CHECK(orders[1] != orders[2]);
  CHECK_THROWS_WITH_AS(batch.divide(25), "minibatches = 25, expected at most the 24 rows", Error);
}

TEST_CASE("PolicyOptimizer: rollout options that make no sense are errors") {
  context_t<Cpu> context(1);
  using Learner = ActorCritic::on<NetworkPolicy<4>, CartPole, Cpu, float>;
  const auto with = [&](auto&& change) {
    Learner::Options options;
    options.improvement.learning_rate = 1e-3;
    change(options);
    Learner learner(context, options);
  };
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.improvement.learning_rate = 0; }),
                       "learning rate = 0, expected a positive number", Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.improvement.epochs = 0; }),
                       "epochs = 0, expected at least 1", Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.improvement.minibatches = 0; }),
                       "minibatches = 0, expected at least 1", Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.critic.steps = 0; }), "steps = 0, expected at least 1",
                       Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.critic.environments = -1; }),
                       "environments = -1, expected at least 1", Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.critic.lambda = 1.5; }),
                       "lambda = 1.5, expected a number between 0 and 1", Error);
  CHECK_THROWS_WITH_AS(with([](auto& o) { o.critic.value.epochs = 0; }),
                       "epochs of the value = 0, expected at least 1", Error);
}

}  // namespace optiform::testing
