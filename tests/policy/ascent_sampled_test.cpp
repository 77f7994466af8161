// SPDX-License-Identifier: MIT
// One visited pair per iteration instead of the whole table.
#include <doctest/doctest.h>

#include "../support/random_data.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

using Sampled = PolicyOptimizer<PolicyGradient<GradientDescent>, SampledCritic<VisitedPairs>>;
using SampledAccelerated = PolicyOptimizer<PolicyGradient<Nesterov>, SampledCritic<VisitedPairs>>;

}  // namespace

TEST_CASE("the mean of a million sampled gradients is the exact one") {
  Rng rng(4);
  const auto logits = normal(rng, 25);
  Run<PlainGradient, 5, 5> exact(mdp, {.improvement = policy_gradient_options(mdp)}, logits);
  exact.step();
  const double* const truth = exact.on.improvement().gradient();

  auto options = policy_gradient_options(mdp);
  options.learning_rate = 1e-300;  // stays where it is
  Run<Sampled, 5, 5> run(mdp, {.improvement = options, .critic = {.seed = 2}}, logits);
  std::vector<double> sum(25, 0), squares(25, 0);
  constexpr int draws = 1000000;
  for (int i = 0; i < draws; ++i) {
    run.step();
    for (std::size_t pair = 0; pair < 25; ++pair) {
      const double g = run.on.improvement().gradient()[pair];
      sum[pair] += g;
      squares[pair] += g * g;
    }
  }
  double chi = 0;
  for (std::size_t pair = 0; pair < 25; ++pair) {
    const double mean = sum[pair] / draws;
    const double variance = (squares[pair] / draws - mean * mean) / draws;
    const double sigmas = std::fabs(mean - truth[pair]) / std::sqrt(variance);
    CAPTURE(pair);
    CHECK(sigmas < 4);
    chi += sigmas * sigmas;
  }
  CHECK(chi < 60);  // 25 numbers of mean 1, twenty of which are free
}

TEST_CASE("sampled APG climbs as the exact one does") {
  double mean_1000 = 0, mean_10000 = 0;
  constexpr int seeds = 20;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Run<SampledAccelerated, 5, 5> run(mdp,
                                      {.improvement = apg_options(mdp), .critic = {.seed = seed}});
    run.until(1000);
    mean_1000 += run.objective() / seeds;
    run.until(10000);
    mean_10000 += run.objective() / seeds;
  }
  // 7.944 +- .054 and 9.4065 over twenty other seeds.
  CHECK(std::fabs(mean_1000 - 7.944) < 4 * .054 / std::sqrt(20.0) * std::sqrt(2.0));
  CHECK(mean_10000 == doctest::Approx(9.4065).epsilon(1e-4));
}
