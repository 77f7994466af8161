// SPDX-License-Identifier: MIT
// Three arms: the constants that gaps tend to, the theorem's bound, and a failure that one restart
// cures.
#include <doctest/doctest.h>

#include <algorithm>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

const TabularMdp<> three_arms = bandit_mdp({1, .99, 0});

}  // namespace

TEST_CASE("APG on three arms passes through the published gaps") {
  Run<Accelerated, 1, 3> run(three_arms, {.improvement = apg_options(three_arms)});
  struct Point {
    std::int64_t iteration;
    double gap, digits;
  };
  // `digits`: half a unit of the last one given.
  for (const Point& p : {Point{20, .0569, 5e-5},
                         {50, 9.60e-3, 5e-6},
                         {100, 3.008e-3, 5e-7},
                         {200, 4.425e-4, 5e-8},
                         {500, 4.440e-5, 5e-9},
                         {1000, 1.2057e-5, 5e-10},
                         {10000, 1.3373e-7, 5e-12},
                         {100000, 1.3342e-9, 5e-14},
                         {1000000, 1.33319e-11, 5e-17}}) {
    run.until(p.iteration);
    CAPTURE(p.iteration);
    CHECK(std::fabs(run.gap() - p.gap) <= 1.02 * p.digits);
  }
  CHECK(run.on.stabilizer<ValueRestart>().restarts() == 0);
  const double limit = asymptotic::accelerated({1, 3}, accelerated_rate({1, 3}));
  CHECK(limit == doctest::Approx(40 / 3.0));
  CHECK(relative(run.gap() * 1e12, limit) < 1e-3);
}

TEST_CASE("APG on three arms stays below the bound of the theorem, T read off the run") {
  Run<Accelerated, 1, 3> run(three_arms, {.improvement = apg_options(three_arms)});
  // From T on the value exceeds the second best reward, so that the best arm alone is above
  // average.
  while (run.objective() <= .99) run.step();
  const auto transient = static_cast<double>(run.on.iteration());
  double norm = 0;
  for (int a = 0; a < 3; ++a) norm += run.on.parameters()[a] * run.on.parameters()[a];
  norm = std::sqrt(norm);
  CHECK(transient == 49);
  CHECK(norm == doctest::Approx(3.623).epsilon(2e-4));
  double worst = 0;
  while (run.on.iteration() < 1000000) {
    run.step();
    const auto t = static_cast<double>(run.on.iteration()), after = t - transient;
    const double radius = norm + 2 * std::log(after);
    const double bound =
        2 / (after * after + 2) + 10 * (2 + transient) * radius * radius / (t * (t + 1));
    worst = std::max(worst, run.gap() / bound);
  }
  CHECK(worst < 1);
  CHECK(worst == doctest::Approx(1.8e-3).epsilon(0.03));
}

TEST_CASE("three arms: policy gradient and heavy ball tend to their constants") {
  Run<PlainGradient, 1, 3> plain(three_arms, {.improvement = policy_gradient_options(three_arms)});
  Run<HeavyBallGradient, 1, 3> heavy(three_arms, {.improvement = heavy_ball_options(three_arms)});
  Run<Accelerated, 1, 3> fast(three_arms, {.improvement = apg_options(three_arms)});
  const double rate = policy_gradient_rate({1, 3});
  plain.until(100000);
  heavy.until(100000);
  fast.until(100000);
  const double at_1e5 = plain.gap();
  plain.until(1000000);
  CHECK(relative(fast.gap() * 1e10, 40 / 3.0) < 0.01);
  CHECK(relative(heavy.gap() * 1e5, asymptotic::heavy_ball({1, 3}, rate, .5)) < 0.01);
  // The second arm, .01 away, holds policy gradient up: 1.2 % remain at 1e5.
  CHECK(at_1e5 * 1e5 == doctest::Approx(1.6863).epsilon(1e-4));
  CHECK(plain.gap() * 1e6 == doctest::Approx(1.669).epsilon(3e-4));
  CHECK(relative(plain.gap() * 1e6, asymptotic::policy_gradient({1, 3}, rate)) < 0.01);
  const double s = slope_over_decade(at_1e5, plain.gap());
  CHECK(s > -1.05);
  CHECK(s < -0.95);
}

TEST_CASE("momentum that overshoots loses the best arm, and one restart keeps it") {
  const TabularMdp<> deceptive = bandit_mdp({1, .8, 0});
  const std::vector<double> start = {0, 3, 10};

  Run<Unguarded, 1, 3> without(deceptive, {.improvement = apg_options(deceptive)}, start);
  int decreases = 0;
  for (double last = without.objective(); without.on.iteration() < 500;) {
    without.step();
    const double now = without.objective();
    decreases += now + 1e-15 < last ? 1 : 0;
    last = now;
    if (without.on.iteration() == 200) CHECK(now == doctest::Approx(.06949).epsilon(1e-4));
  }
  CHECK(decreases == 107);
  CHECK(without.objective() == doctest::Approx(.8).epsilon(1e-6));
  CHECK(without.probabilities()[0] == doctest::Approx(3.6e-17).epsilon(0.01));
  without.until(1000000);
  CHECK(without.objective() == doctest::Approx(.8).epsilon(1e-9));
  CHECK(without.probabilities()[0] == doctest::Approx(5.3e-20).epsilon(0.01));

  Run<Accelerated, 1, 3> with(deceptive, {.improvement = apg_options(deceptive)}, start);
  with.until(500);
  CHECK(with.probabilities()[0] == doctest::Approx(4.3e-7).epsilon(0.01));
  with.until(20000);
  CHECK(with.probabilities()[0] == doctest::Approx(1.77e-5).epsilon(0.003));
  with.until(50000);
  CHECK(with.objective() > 1 - 1e-6);
  CHECK(with.on.stabilizer<ValueRestart>().restarts() == 1);

  Run<PlainGradient, 1, 3> plain(deceptive, {.improvement = policy_gradient_options(deceptive)},
                                 start);
  plain.until(1000000);
  CHECK(plain.objective() == doctest::Approx(.7999994).epsilon(1e-7));
}

TEST_CASE("a hard start on three arms: plateau at the second arm, then the momentum jumps") {
  const std::vector<double> start = {1, 3, 5};
  Run<Accelerated, 1, 3> fast(three_arms, {.improvement = apg_options(three_arms)}, start);
  fast.until(5000);
  CHECK(fast.gap() == doctest::Approx(9.98e-3).epsilon(1e-3));
  fast.until(10000);
  CHECK(fast.gap() == doctest::Approx(5.6e-43).epsilon(0.01));
  Run<PlainGradient, 1, 3> plain(three_arms, {.improvement = policy_gradient_options(three_arms)},
                                 start);
  Run<HeavyBallGradient, 1, 3> heavy(three_arms, {.improvement = heavy_ball_options(three_arms)},
                                     start);
  plain.until(1000000);
  heavy.until(1000000);
  CHECK(plain.gap() == doctest::Approx(.00998).epsilon(1e-3));
  CHECK(heavy.gap() == doctest::Approx(1.5e-6).epsilon(0.04));
}
