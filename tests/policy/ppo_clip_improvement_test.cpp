// SPDX-License-Identifier: MIT
// What every iteration of tabular PPO-Clip on drawn actions guarantees.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// f(algorithm, start) with the sampled algorithm of a classifier, from both starts.
template <class Weight, class F>
void each_sampled(double eta, F&& f) {
  const auto with = [&]<class C>(C) {
    using Algorithm = SampledClip<TableHinge<C, Weight>>;
    for (const bool hard : {false, true}) {
      Algorithm algorithm(process(), context(), clip_options<Algorithm>(0.3, eta, 5));
      if (hard) algorithm.start_from(five_state_hard_start().data());
      CAPTURE(hard);
      f(algorithm, C{});
    }
  };
  with(Ratio{});
  with(LogRatio{});
  with(RootRatio{});
  with(Subtraction{});
}

template <class Algorithm>
void check_positive(Algorithm& algorithm) {
  double p[25];
  algorithm.policy().probabilities(algorithm.parameters(), p);
  for (int s = 0; s < 5; ++s) {
    double sum = 0;
    for (int a = 0; a < 5; ++a) {
      sum += p[5 * s + a];
      REQUIRE(p[5 * s + a] > 0);
    }
    REQUIRE(std::abs(sum - 1) < 1e-12);
  }
}

}  // namespace

TEST_CASE("MirrorStep: probabilities stay positive and normalised for ten thousand iterations") {
  each_sampled<UnitWeight>(0.01, [](auto& algorithm, auto) {
    for (int t = 0; t < 10000; ++t) {
      algorithm.step();
      if (t % 500 == 0) check_positive(algorithm);
    }
    check_positive(algorithm);
  });
}

TEST_CASE("PPO-Clip: no iteration lowers the value of any state") {
  const auto check = [](auto& algorithm, auto) {
    const auto value = [&] {
      return algorithm.critic().iterate(algorithm.policy(), algorithm.parameters()).value();
    };
    double before[5];
    for (int s = 0; s < 5; ++s) before[s] = value()[s];
    for (int t = 0; t < 1000; ++t) {
      algorithm.step();
      for (int s = 0; s < 5; ++s) {
        REQUIRE(value()[s] >= before[s] - 1e-12);
        before[s] = value()[s];
      }
    }
  };
  SUBCASE("weight 1") { each_sampled<UnitWeight>(0.01, check); }
  SUBCASE("weight |A|") { each_sampled<AbsoluteAdvantage>(0.1, check); }
}

TEST_CASE("PPO-Clip: one drawn action of positive advantage gets at least its floor") {
  const double eta = 0.01, e = std::exp(1.0);
  each_sampled<UnitWeight>(eta, [&]<class Algorithm, class C>(Algorithm& algorithm, C) {
    if (std::is_same_v<C, Subtraction>) return;
    const double q = e * (std::is_same_v<C, RootRatio> ? eta / 2 : eta);
    double least = 1, p[25];
    for (int t = 0; t < 1000; ++t) {
      algorithm.step();
      algorithm.policy().probabilities(algorithm.parameters(), p);
      for (int i = 0; i < 25; ++i) {
        if (!(algorithm.batch().importance[i] > 0 && algorithm.batch().advantage[i] > 0)) continue;
        REQUIRE(p[i] >= q / (1 + q) - 1e-12);
        least = std::min(least, p[i]);
      }
    }
    CHECK(least < 0.3);  // some were small
  });
}
