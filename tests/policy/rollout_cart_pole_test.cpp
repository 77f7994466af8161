// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/environments/control/cart_pole.hpp>
#include <optiform/environments/runner.hpp>

#include "rollout_environments.hpp"

namespace optiform::testing {

namespace {

static_assert(Environment<CartPole>);
static_assert(Environment<SmallestEnvironment> && Environment<Countdown> && Environment<Echo>);

struct NotDeclared : SmallestEnvironment {
  using environment_concept = int;
};
struct WithoutSize {
  using environment_concept = environment_tag;
  using ActionSpace = Discrete<2>;
  void reset(Rng&) {}
  Outcome step(int) { return {}; }
  template <class T>
  void observe(T*) const {}
};
struct WithoutOutcome : SmallestEnvironment {
  double step(int) { return 0; }
};
static_assert(!Environment<NotDeclared> && !Environment<WithoutSize> &&
              !Environment<WithoutOutcome> && !Environment<int>);

/// The equations of motion, written again from Barto, Sutton and Anderson's appendix.
struct Cart {
  double x, v, a, w;
  bool fell = false;
  void push(bool right) {
    const double g = 9.8, m = 0.1, total = 1.1, l = 0.5, dt = 0.02;
    const double f = right ? 10 : -10;
    const double inner = (f + m * l * w * w * std::sin(a)) / total;
    const double angular = (g * std::sin(a) - std::cos(a) * inner) /
                           (l * (4.0 / 3.0 - m * std::cos(a) * std::cos(a) / total));
    const double linear = inner - m * l * angular * std::cos(a) / total;
    const double next_x = x + dt * v, next_v = v + dt * linear;
    const double next_a = a + dt * w, next_w = w + dt * angular;
    x = next_x, v = next_v, a = next_a, w = next_w;
    fell = std::fabs(x) > 2.4 || std::fabs(a) > 12 * std::acos(-1.0) / 180;
  }
};

/// Left and right in an order without a short period.
int zigzag(int t) { return (7 * t * t + 3 * t) % 5 < 2 ? 1 : 0; }

void check_state(const CartPole& pole, const std::vector<double>& expected) {
  double state[4];
  pole.observe(state);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(state[i] == doctest::Approx(expected[i]).epsilon(1e-11));
}

CartPole from(double x, double v, double a, double w) {
  CartPole pole;
  pole.set_state(x, v, a, w);
  return pole;
}

}  // namespace

TEST_CASE("CartPole: a trajectory is that of the equations of motion") {
  Rng rng(5);
  for (int trial = 0; trial < 20; ++trial) {
    Cart cart{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-0.1, 0.1), rng.uniform(-1, 1)};
    CartPole pole = from(cart.x, cart.v, cart.a, cart.w);
    for (int t = 0; t < 100; ++t) {
      const bool right = rng.uniform() < 0.5;
      cart.push(right);
      const Outcome outcome = pole.step(right ? 1 : 0);
      CHECK(outcome.reward == 1);
      CHECK(outcome.terminated == cart.fell);
      CHECK(!outcome.truncated);
      double state[4];
      pole.observe(state);
      CHECK(state[0] == doctest::Approx(cart.x).epsilon(1e-10));
      CHECK(state[3] == doctest::Approx(cart.w).epsilon(1e-10));
      if (cart.fell) break;
    }
  }
}

TEST_CASE("CartPole: states and ends are those of Gymnasium's CartPole-v1") {
  // Printed by Gymnasium 1 from the state (0.01, -0.02, 0.03, 0.04).
  CartPole pole = from(0.01, -0.02, 0.03, 0.04);
  pole.step(zigzag(0));
  check_state(
      pole, {0.009600000000000001, 0.17467919574755525, 0.030799999999999998, -0.2430687179600081});
  pole.step(zigzag(1));
  check_state(
      pole, {0.013093583914951107, 0.3693479760579556, 0.025938625640799837, -0.5258796280501483});
  int t = 2;
  for (bool over = false; !over; ++t) {
    const Outcome outcome = pole.step(zigzag(t));
    if (t + 1 == 10)
      check_state(pole, {0.017415554028129943, -0.41313878844954866, 0.026863781853306498,
                         0.6893475156286827});
    over = outcome.terminated;
    CHECK(outcome.reward == 1);
  }
  CHECK(t == 22);
  check_state(pole,
              {-0.08285375681973693, -0.4282738292563443, 0.21814352314736787, 1.0455763964892122});

  pole = from(0.01, -0.02, 0.03, 0.04);
  for (t = 0; !pole.step(1).terminated; ++t) continue;
  CHECK(t + 1 == 10);
  check_state(pole,
              {0.18148412486073115, 1.9330643896994748, -0.2235691808247548, -2.984082745435586});

  // A feedback that balances: the time limit ends the episode without terminating it.
  pole = from(0.01, -0.02, 0.03, 0.04);
  double s[4] = {0.01, -0.02, 0.03, 0.04};
  for (t = 1;; ++t) {
    const Outcome outcome = pole.step(s[0] * 0.1 + s[1] * 0.2 + s[2] + 0.3 * s[3] > 0 ? 1 : 0);
    pole.observe(s);
    REQUIRE(!outcome.terminated);
    if (outcome.truncated) break;
  }
  CHECK(t == 500);
}

TEST_CASE("CartPole: starts are uniform within 0.05") {
  Rng rng(1);
  CartPole pole;
  double sum = 0, square = 0;
  for (int n = 0; n < 2000; ++n) {
    pole.reset(rng);
    double s[4];
    pole.observe(s);
    for (const double number : s) {
      CHECK(std::fabs(number) <= 0.05);
      sum += number;
      square += number * number;
    }
  }
  CHECK(std::fabs(sum / 8000) < 0.001);
  CHECK(square / 8000 == doctest::Approx(0.05 * 0.05 / 3).epsilon(0.03));
}

TEST_CASE("Runner: each copy goes through the episodes that it would go through alone") {
  context_t<Cpu> context(1);
  constexpr int copies = 5, steps = 60;
  Runner<Countdown, double> runner(Countdown{}, copies, 9);
  std::vector<Countdown> alone(copies);
  std::vector<Rng> rng;
  for (int i = 0; i < copies; ++i) {
    rng.emplace_back(9, static_cast<std::uint64_t>(i));
    alone[static_cast<std::size_t>(i)].reset(rng.back());
  }
  std::vector<int> actions(copies, 1);
  int episodes = 0;
  double last_return = 0;
  std::vector<double> returns(copies, 0);
  for (int t = 0; t < steps; ++t) {
    runner.step(context, actions.data());
    for (int i = 0; i < copies; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Outcome outcome = alone[at].step(1);
      CHECK(runner.outcome(i).reward == outcome.reward);
      CHECK(runner.outcome(i).terminated == outcome.terminated);
      CHECK(runner.outcome(i).truncated == outcome.truncated);
      returns[at] += outcome.reward;
      double seen[2];
      if (outcome.truncated) {
        alone[at].observe(seen);
        CHECK(runner.final_observation()[2 * i] == seen[0]);
        CHECK(runner.final_observation()[2 * i + 1] == seen[1]);
        alone[at].reset(rng[at]);
        ++episodes;
        last_return = returns[at];
        returns[at] = 0;
      }
      alone[at].observe(seen);
      CHECK(runner.observation()[2 * i] == seen[0]);
      CHECK(runner.observation()[2 * i + 1] == seen[1]);
    }
  }
  CHECK(runner.steps() == copies * steps);
  CHECK(runner.log().episodes() == episodes);
  CHECK(runner.log().episode().total == last_return);
  CHECK(runner.log().mean_return(1) == last_return);
}

TEST_CASE("Runner: the number of threads changes nothing") {
  context_t<Cpu> one(1), two(2);
  Runner<Countdown, float> first(Countdown{}, 9, 3), second(Countdown{}, 9, 3);
  const std::vector<int> actions(9, 0);
  for (int t = 0; t < 200; ++t) {
    first.step(one, actions.data());
    second.step(two, actions.data());
    for (int i = 0; i < 18; ++i) CHECK(first.observation()[i] == second.observation()[i]);
  }
  CHECK(first.log().episodes() == second.log().episodes());
  CHECK(first.log().mean_return(100) == second.log().mean_return(100));
}

TEST_CASE("Runner: no environments is an error") {
  CHECK_THROWS_WITH_AS((Runner<CartPole, float>(CartPole{}, 0, 1)),
                       "environments = 0, expected at least 1", Error);
}

}  // namespace optiform::testing
