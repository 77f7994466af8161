// SPDX-License-Identifier: MIT
// Two arms: the constants that gaps tend to, and the bounds of the theorems.
#include <doctest/doctest.h>

#include <algorithm>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

const TabularMdp<> two_arms = bandit_mdp({1, 0});

}  // namespace

TEST_CASE("APG on two arms: the best logit is between ln(t + 1) - 2 and ln(t + 1) - 1") {
  Run<Accelerated, 1, 2> run(two_arms, {.improvement = apg_options(two_arms)});
  const double limit = asymptotic::accelerated({1, 2}, accelerated_rate({1, 2}));
  CHECK(limit == doctest::Approx(10));
  double least = 0, most = -3, gap[2];
  for (const int decade : {0, 1}) {
    const std::int64_t end = decade == 0 ? 100000 : 1000000;
    while (run.on.iteration() < end) {
      run.step();
      if (run.on.iteration() < 2) continue;
      const double above =
          run.on.parameters()[0] - std::log(static_cast<double>(run.on.iteration()) + 1);
      least = std::min(least, above);
      most = std::max(most, above);
    }
    gap[decade] = run.gap();
  }
  CHECK(least >= -2);
  CHECK(most <= -1);
  CHECK(gap[0] * 1e10 == doctest::Approx(9.9994).epsilon(1e-4));
  CHECK(gap[1] * 1e12 == doctest::Approx(10.0001).epsilon(1e-4));
  CHECK(relative(gap[1] * 1e12, limit) < 1e-4);
  CHECK(run.on.parameters()[0] - std::log(1e6) == doctest::Approx(-std::log(10) / 2).epsilon(1e-4));
  CHECK(slope_over_decade(gap[0], gap[1]) == doctest::Approx(-2).epsilon(0.025));
}

TEST_CASE("two arms: policy gradient and heavy ball tend to their constants") {
  Run<PlainGradient, 1, 2> plain(two_arms, {.improvement = policy_gradient_options(two_arms)});
  Run<HeavyBallGradient, 1, 2> heavy(two_arms, {.improvement = heavy_ball_options(two_arms)});
  const double rate = policy_gradient_rate({1, 2});
  CHECK(rate == doctest::Approx(.4));
  double least = 1;
  while (plain.on.iteration() < 100000) {
    plain.step();
    least = std::min(least, plain.gap() * static_cast<double>(plain.on.iteration()));
  }
  heavy.until(100000);
  CHECK(least >= 1 / 6.0);  // Delta^2 / 6
  CHECK(plain.gap() * 1e5 == doctest::Approx(1.2503).epsilon(1e-4));
  CHECK(relative(plain.gap() * 1e5, asymptotic::policy_gradient({1, 2}, rate)) < 0.01);
  CHECK(relative(heavy.gap() * 1e5, asymptotic::heavy_ball({1, 2}, rate, .5)) < 0.01);
  CHECK(asymptotic::heavy_ball({1, 2}, rate, .5) == doctest::Approx(.625));
}
