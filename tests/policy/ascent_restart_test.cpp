// SPDX-License-Identifier: MIT
// Other tests for a restart, and another form of the same algorithm.
#include <doctest/doctest.h>

#include <array>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("restart tests on the gap and on the gradient keep the best arm too") {
  using ByGap = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, GapRestart>;
  using ByGradient = PolicyOptimizer<PolicyGradient<Nesterov>, ExactCritic, GradientRestart>;
  const TabularMdp<> deceptive = bandit_mdp({1, .8, 0});
  const std::vector<double> start = {0, 3, 10};
  Run<ByGap, 1, 3> gap(deceptive, {.improvement = apg_options(deceptive)}, start);
  gap.until(20000);
  CHECK(gap.on.stabilizer<GapRestart>().restarts() == 1);
  CHECK(gap.probabilities()[0] == doctest::Approx(1.77e-5).epsilon(0.003));
  Run<ByGradient, 1, 3> gradient(deceptive, {.improvement = apg_options(deceptive)}, start);
  gradient.until(50000);
  CHECK(gradient.on.stabilizer<GradientRestart>().restarts() == 1);
  CHECK(gradient.objective() > 1 - 1e-6);
}

TEST_CASE("without restarts APG is the accelerated gradient method of Ghadimi and Lan") {
  const std::array<double, 3> reward = {1, .99, 0};
  const TabularMdp<> mdp = bandit_mdp({reward.begin(), reward.end()});
  using Logits = std::array<double, 3>;
  const auto gradient = [&](const Logits& theta) {
    Logits p{};
    double sum = 0, value = 0;
    for (std::size_t a = 0; a < 3; ++a) sum += p[a] = std::exp(theta[a]);
    for (std::size_t a = 0; a < 3; ++a) value += (p[a] /= sum) * reward[a];
    for (std::size_t a = 0; a < 3; ++a) p[a] *= reward[a] - value;
    return p;
  };
  for (const Logits& start : {Logits{0, 0, 0}, Logits{1, 3, 5}}) {
    Run<Unguarded, 1, 3> run(mdp, {.improvement = apg_options(mdp)}, {start.begin(), start.end()});
    Logits theta = start, aggregated = start;
    double worst = 0;
    for (int t = 1; t <= 1000; ++t) {
      const double alpha = 2.0 / (t + 1), beta = t / (t + 1.0) * accelerated_rate({1, 3});
      const double lambda = beta / alpha;
      Logits middle{};
      for (std::size_t a = 0; a < 3; ++a)
        middle[a] = (1 - alpha) * aggregated[a] + alpha * theta[a];
      const Logits g = gradient(middle);
      for (std::size_t a = 0; a < 3; ++a) {
        theta[a] += lambda * g[a];
        aggregated[a] = middle[a] + beta * g[a];
      }
      run.step();
      for (std::size_t a = 0; a < 3; ++a)
        worst = std::fmax(worst, std::fabs(run.on.parameters()[a] - aggregated[a]));
    }
    CHECK(worst < 1e-12);
  }
}
