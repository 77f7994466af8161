// SPDX-License-Identifier: MIT
// What the proofs use of the objective: its smoothness, and that it is nearly concave where the
// best action leads.
#include <doctest/doctest.h>

#include <algorithm>

#include "../support/random_data.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <int S, int A>
struct Landscape {
  static constexpr std::size_t pairs = S * A;
  explicit Landscape(const TabularMdp<>& mdp) : run(mdp, {.improvement = options()}) {}

  double value(const std::vector<double>& logits) {
    run.on.start_from(logits.data());
    return run.objective();
  }
  double rise(const std::vector<double>& logits, const std::vector<double>& to) {
    run.on.start_from(logits.data());
    run.step();
    double along = 0;
    for (std::size_t i = 0; i < pairs; ++i)
      along += run.on.improvement().gradient()[i] * (to[i] - logits[i]);
    return along;
  }

  Run<PlainGradient, S, A> run;

 private:
  static GradientStep<GradientDescent>::Options options() {
    GradientStep<GradientDescent>::Options o;
    o.learning_rate = 1;
    return o;
  }
};

/// Largest |f(y) - f(x) - <grad f(x), y - x>| over (L / 2) |y - x|^2.
template <int S, int A>
double curvature_over_bound(const TabularMdp<>& mdp, std::uint64_t seed) {
  Landscape<S, A> land(mdp);
  Rng rng(seed);
  const double bound = softmax_smoothness(problem_size(mdp)) / 2;
  double worst = 0;
  for (int sample = 0; sample < 4000; ++sample) {
    const auto x = normal(rng, S * A, rng.uniform(0, 4));
    auto y = x;
    const double step = std::pow(10, rng.uniform(-2, 1));
    double squared = 0;
    for (double& coordinate : y) {
      const double moved = step * rng.normal();
      coordinate += moved;
      squared += moved * moved;
    }
    const double error = std::fabs(land.value(y) - land.value(x) - land.rise(x, y));
    worst = std::max(worst, error / (bound * squared));
  }
  return worst;
}

struct NearConcavity {
  double most = 0;      ///< largest (f(y) - f(x)) / <grad f(x), y - x>
  double rising = 1e9;  ///< smallest <grad f(x), y - x>
  int samples = 0;
};

/// x: the best logit leads by `lead` and more, values above all second best actions'. y: best
/// logits go up, all others down.
template <int S, int A>
NearConcavity near_concavity(const TabularMdp<>& mdp, const int* best, double lead, int tries) {
  Landscape<S, A> land(mdp);
  auto& optimum = land.run.on.critic().optimum();
  Rng rng(11);
  const auto exponential = [&] { return -std::log(1 - rng.uniform()); };
  NearConcavity found;
  for (int i = 0; i < tries; ++i) {
    const double scale[] = {.01, .1, 1, 10};
    const double sigma = scale[i % 4];
    std::vector<double> x(S * A, 0), y;
    for (int s = 0; s < S; ++s)
      for (int a = 0; a < A; ++a)
        if (a != best[s]) x[static_cast<std::size_t>(A * s + a)] = -lead - exponential();
    y = x;
    for (int s = 0; s < S; ++s)
      for (int a = 0; a < A; ++a)
        y[static_cast<std::size_t>(A * s + a)] +=
            a == best[s] ? sigma * exponential() : -sigma * exponential();
    const double before = land.value(x);
    const auto& now = land.run.on.critic().iterate(land.run.on.policy(), land.run.on.parameters());
    bool inside = true;
    for (int s = 0; s < S; ++s)
      for (int a = 0; a < A; ++a)
        if (a != best[s] && now.value()[s] <= optimum.action_value()[A * s + a]) inside = false;
    if (!inside) continue;
    const double rise = land.rise(x, y);
    found.rising = std::min(found.rising, rise);
    found.most = std::max(found.most, (land.value(y) - before) / rise);
    ++found.samples;
  }
  return found;
}

}  // namespace

TEST_CASE("the objective is as smooth as the step sizes assume") {
  const double two = curvature_over_bound<1, 2>(bandit_mdp({1, 0}), 1);
  const double three = curvature_over_bound<1, 3>(bandit_mdp({1, .99, 0}), 2);
  const double five = curvature_over_bound<5, 5>(five_state_mdp(), 3);
  CAPTURE(two);
  CAPTURE(three);
  CAPTURE(five);
  CHECK(two < 1);
  CHECK(three < 1);
  CHECK(five < 1);
  CHECK(two > 0.05);  // no idle bound: two arms' curvature is 1 / (6 sqrt 3) at most
}

TEST_CASE("where the best action leads, a step gains at most 1.5 times what its gradient says") {
  const int first[] = {0};
  const TabularMdp<> arms = bandit_mdp({1, .99, 0});
  for (const double lead : {1.0, 2.0, 4.0}) {
    const auto three = near_concavity<1, 3>(arms, first, lead, 200000);
    CAPTURE(lead);
    CHECK(three.samples > 1000);
    CHECK(three.rising > 0);
    CHECK(three.most <= 1 + .5 * std::exp(-lead));
  }
  const auto two = near_concavity<1, 2>(bandit_mdp({1, 0}), first, 0, 20000);
  CHECK(two.samples > 1000);
  CHECK(two.rising > 0);
  CHECK(two.most <= 1 + 1e-6);

  const auto five = near_concavity<5, 5>(five_state_mdp(), best_action, 4, 20000);
  CHECK(five.samples > 100);
  CHECK(five.rising > 0);
  CHECK(five.most <= 1);
}

TEST_CASE("without a lead the factor of near concavity comes close to 2") {
  const int first[] = {0};
  const TabularMdp<> arms = bandit_mdp({1, .99, 0});
  const auto few = near_concavity<1, 3>(arms, first, 0, 20000);
  const auto many = near_concavity<1, 3>(arms, first, 0, 1000000);
  CHECK(few.most <= 1.5);
  CHECK(many.rising > 0);
  CHECK(many.most < 2);
  // The second arm as likely as the first and the value just above its reward: taking the second
  // away doubles what the first one gains.
  Landscape<1, 3> land(arms);
  const std::vector<double> from = {0, -1e-6, -std::log(99.0) - 1e-4};
  auto to = from;
  to[0] += 1e-1;
  to[1] -= 10;
  CHECK(land.value(from) > .99);
  const double factor = (land.value(to) - land.value(from)) / land.rise(from, to);
  CHECK(factor > 1.8);
  CHECK(factor < 2);
}
