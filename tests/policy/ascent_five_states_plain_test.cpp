// SPDX-License-Identifier: MIT
// Five states, five actions: the published trajectories of policy gradient and heavy ball, to all
// their digits.
#include "ascent_five_states.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("policy gradient from the uniform start: every digit; heavy ball in half the time") {
  CHECK(policy_gradient_rate(size) == doctest::Approx(1.25e-4).epsilon(1e-12));
  Run<PlainGradient, 5, 5> run(mdp, {.improvement = policy_gradient_options(mdp)});
  check_objectives(run, {{0, 6.01640008216},
                         {1, 6.01642973052},
                         {100, 6.01936566711},
                         {1000, 6.04612675573},
                         {2000, 6.07602253547},
                         {5000, 6.16690991321},
                         {10000, 6.32345768898},
                         {50000, 7.68818305405},
                         {100000, 8.5832839036}});
  while (!best_alone_rises(run)) run.step();
  CHECK(run.on.iteration() == 194363);
  CHECK(!beyond_second_best(run));
  check_objectives(run, {{1000000, 9.36903837446}});
  CHECK(run.gap() == doctest::Approx(.03936013).epsilon(2e-7));
  CHECK(run.gap() * 1e6 > std::pow(.1, 5) * least_deficit * least_deficit / 12);
  CHECK(drift(run, 0) < 1e-10);

  Run<HeavyBallGradient, 5, 5> heavy(mdp, {.improvement = heavy_ball_options(mdp)});
  heavy.until(500000);
  CHECK(heavy.gap() == doctest::Approx(.03935998).epsilon(2e-7));
}

TEST_CASE("policy gradient from the hard start: every digit") {
  Run<PlainGradient, 5, 5> run(mdp, {.improvement = policy_gradient_options(mdp)}, hard_start);
  check_objectives(run, {{1, 3.77017385826},
                         {100, 3.77164890712},
                         {1000, 3.78515661063},
                         {2000, 3.80036859623},
                         {5000, 3.84721597269},
                         {10000, 3.92874428982},
                         {50000, 4.52767248984},
                         {100000, 4.92834173709},
                         {1000000, 8.0201440801}});
  CHECK(drift(run, 15) < 1e-10);
}

TEST_CASE("the optimum of the five states is the published one") {
  Run<PlainGradient, 5, 5> run(mdp, {.improvement = policy_gradient_options(mdp)});
  auto& best = run.on.critic().optimum();
  CHECK(best.objective() == doctest::Approx(best_objective).epsilon(1e-14));
  const double value[5] = {9.467508836288784, 9.475873582981839, 9.462354676194092,
                           9.190898144174335, 9.392403798579085};
  double least = 1;
  for (int s = 0; s < 5; ++s) {
    CHECK(best.value()[s] == doctest::Approx(value[s]).epsilon(1e-14));
    for (int a = 0; a < 5; ++a)
      if (a != best_action[s])
        least = std::min(least, best.value()[s] - best.action_value()[5 * s + a]);
  }
  CHECK(least == doctest::Approx(least_deficit).epsilon(1e-11));
}
