// SPDX-License-Identifier: MIT
// PPO-Clip on tables as its convergence theorem has it: one action of every state in the data.
#include <doctest/doctest.h>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

struct Gaps {
  double at10, at100, at1000, at5000;
};

template <class Surrogate>
Gaps run(double eta, bool hard, std::uint64_t seed) {
  static const FiveStates mdp(five_state_mdp());
  static context_t<Cpu> context(1);
  using Algorithm = SampledClip<Surrogate>;
  auto options = clip_options<Algorithm>(0.3, eta, 5);
  options.critic.seed = seed;
  Algorithm algorithm(mdp, context, options);
  if (hard) algorithm.start_from(five_state_hard_start().data());
  const auto after = [&](int t) {
    while (algorithm.iteration() < t) algorithm.step();
    return algorithm.gap();
  };
  Gaps gaps{};
  gaps.at10 = after(10);
  gaps.at100 = after(100);
  gaps.at1000 = after(1000);
  gaps.at5000 = after(5000);
  return gaps;
}

}  // namespace

TEST_CASE("PPO-Clip: converges from both starts, ratio and log before root before difference") {
  for (const bool hard : {false, true})
    for (const std::uint64_t seed : {1ull, 2ull, 3ull}) {
      CAPTURE(hard);
      CAPTURE(seed);
      const Gaps ratio = run<TableHinge<Ratio, UnitWeight>>(0.01, hard, seed);
      const Gaps log = run<TableHinge<LogRatio, UnitWeight>>(0.01, hard, seed);
      const Gaps root = run<TableHinge<RootRatio, UnitWeight>>(0.01, hard, seed);
      const Gaps sub = run<TableHinge<Subtraction, UnitWeight>>(0.01, hard, seed);
      for (const Gaps& gaps : {ratio, log, root, sub}) {
        if (seed == 1) MESSAGE(gaps.at10, " ", gaps.at100, " ", gaps.at1000, " ", gaps.at5000);
        CHECK(gaps.at5000 < 1e-6);
      }
      CHECK(log.at10 == doctest::Approx(ratio.at10).epsilon(0.05));
      CHECK(root.at10 > ratio.at10);
      CHECK(sub.at10 > root.at10);
      CHECK(root.at100 > ratio.at100);
      CHECK(root.at100 > log.at100);
      CHECK(sub.at100 > root.at100);
      if (hard) continue;
      CHECK(ratio.at100 < 1e-2);
      CHECK(log.at100 < 1e-2);
      CHECK(root.at1000 < 1e-6);
      CHECK(sub.at1000 < 1e-3);
    }
}

TEST_CASE("PPO-Clip: weighted by |A| it converges as well, the difference late") {
  const Gaps ratio = run<TableHinge<Ratio>>(0.1, false, 1);
  const Gaps sub = run<TableHinge<Subtraction>>(0.1, false, 1);
  MESSAGE("ratio ", ratio.at10, " ", ratio.at100, " ", ratio.at1000, ", sub ", sub.at10, " ",
          sub.at100, " ", sub.at1000);
  CHECK(ratio.at100 < 1e-2);
  CHECK(ratio.at1000 < 1e-9);
  CHECK(sub.at100 > ratio.at100);
  CHECK(sub.at1000 < 1e-3);
}
