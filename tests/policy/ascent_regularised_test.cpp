// SPDX-License-Identifier: MIT
// The policy's entropy as part of the reward.
#include <doctest/doctest.h>

#include "../support/gradient_check.hpp"
#include "../support/random_data.hpp"
#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

constexpr double temperature = .1;

using SoftGradient = PolicyOptimizer<PolicyGradient<GradientDescent>, EntropyRegularisedCritic>;
using SoftNatural = PolicyOptimizer<NaturalPolicyGradient, EntropyRegularisedCritic>;

}  // namespace

TEST_CASE("the regularised gradient agrees with central differences of the regularised objective") {
  Run<SoftGradient, 5, 5> run(
      mdp, {.improvement = policy_gradient_options(mdp), .critic = {.temperature = temperature}});
  Rng rng(3);
  auto logits = normal(rng, 25);
  run.on.start_from(logits.data());
  run.step();
  const std::vector<double> claimed(run.on.improvement().gradient(),
                                    run.on.improvement().gradient() + 25);
  const auto result = check_gradients(
      [&] {
        run.on.start_from(logits.data());
        return run.objective();
      },
      {{"logits", logits.data(), claimed.data(), 25}}, {});
  CHECK(result.error < 1e-8);
}

TEST_CASE("the regularised objective counts the entropy of every visit") {
  Run<SoftGradient, 5, 5> soft(
      mdp, {.improvement = policy_gradient_options(mdp), .critic = {.temperature = temperature}});
  Run<PlainGradient, 5, 5> plain(mdp, {.improvement = policy_gradient_options(mdp)});
  // The uniform policy has entropy ln 5 in every state, counted 1 / (1 - gamma) times.
  CHECK(soft.objective() ==
        doctest::Approx(plain.objective() + temperature * std::log(5.0) * 10).epsilon(1e-13));
}

TEST_CASE("the regularised natural policy gradient converges linearly") {
  // Log-probabilities approach the optimum by 1 - step temperature, the objective by its square.
  for (const double step : {.5, 1.0}) {
    Run<SoftNatural, 5, 5> run(
        mdp, {.improvement = {.step = step}, .critic = {.temperature = temperature}}, hard_start);
    run.until(4000);
    const double best = run.objective();
    run.on.start_from(hard_start.data());
    run.until(step < 1 ? 100 : 50);
    const double before = best - run.objective();
    const auto from = run.on.iteration();
    run.until(2 * from);
    const double factor =
        std::pow((best - run.objective()) / before, 1 / static_cast<double>(from));
    CAPTURE(step);
    CHECK(factor ==
          doctest::Approx((1 - step * temperature) * (1 - step * temperature)).epsilon(0.01));
  }
}
