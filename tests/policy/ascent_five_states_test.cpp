// SPDX-License-Identifier: MIT
// Five states, five actions: the published trajectories of accelerated policy gradient (APG),
// policy gradient and heavy ball, to all their digits.
#include <doctest/doctest.h>

#include <algorithm>

#include "ascent_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

const TabularMdp<> mdp = five_states();
const ProblemSize size = problem_size(mdp);

struct Point {
  std::int64_t iteration;
  double objective;
};

template <class R>
void check_objectives(R& run, const std::vector<Point>& points) {
  for (const Point& p : points) {
    run.until(p.iteration);
    CAPTURE(p.iteration);
    CHECK(std::fabs(run.objective() - p.objective) < 5.5e-12 * p.objective);
  }
}

/// Largest change of a state's sum of logits.
template <class R>
double drift(R& run, double sum) {
  double worst = 0;
  for (int s = 0; s < 5; ++s) {
    double now = 0;
    for (int a = 0; a < 5; ++a) now += run.on.parameters()[5 * s + a];
    worst = std::max(worst, std::fabs(now - sum));
  }
  return worst;
}

/// Whether in every state the value is above that of all actions but the best one, at the optimum.
template <class R>
bool beyond_second_best(R& run) {
  auto& critic = run.on.critic();
  const auto& now = critic.iterate(run.on.policy(), run.on.parameters());
  auto& best = critic.optimum();
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a)
      if (a != best_action[s] && now.value()[s] <= best.action_value()[5 * s + a]) return false;
  return true;
}
/// Whether in every state only the best action is better than the policy.
template <class R>
bool best_alone_rises(R& run) {
  auto& now = run.on.critic().iterate(run.on.policy(), run.on.parameters());
  for (int s = 0; s < 5; ++s)
    for (int a = 0; a < 5; ++a)
      if (a != best_action[s] && now.advantage()[5 * s + a] > 0) return false;
  return true;
}

}  // namespace

TEST_CASE("APG from the uniform start: every digit, the constant, the slope, no restart") {
  CHECK(accelerated_rate(size) == doctest::Approx(6.25e-5).epsilon(1e-12));
  Run<Accelerated, 5, 5> run(mdp, {.improvement = apg_options(mdp)});
  check_objectives(
      run, {{0, 6.01640008216}, {1, 6.01640749424}, {100, 6.03539030675}, {1000, 7.97355394013}});
  std::int64_t alone = 0, beyond = 0;
  while (run.on.iteration() < 3000) {
    run.step();
    if (alone == 0 && best_alone_rises(run)) alone = run.on.iteration();
    if (beyond == 0 && beyond_second_best(run)) beyond = run.on.iteration();
    if (run.on.iteration() == 2000) check_objectives(run, {{2000, 9.24700101851}});
  }
  CHECK(alone == 1760);
  CHECK(beyond == 2516);
  check_objectives(run, {{5000, 9.4024367647}, {10000, 9.40665320257}});
  run.until(50000);
  CHECK(run.gap() == doctest::Approx(1.0869e-4).epsilon(5e-5));
  run.until(100000);
  const double at_1e5 = run.gap();
  CHECK(at_1e5 == doctest::Approx(2.6062e-5).epsilon(2e-5));
  run.until(1000000);
  CHECK(run.gap() == doctest::Approx(2.56157e-7).epsilon(2e-6));
  CHECK(relative(run.gap() * 1e12, asymptotic::accelerated(size, accelerated_rate(size))) < 0.01);
  CHECK(asymptotic::accelerated(size, accelerated_rate(size)) == doctest::Approx(256000));
  CHECK(slope_over_decade(at_1e5, run.gap()) == doctest::Approx(-2).epsilon(0.025));
  CHECK(run.on.stabilizer<ValueRestart>().restarts() == 0);
  CHECK(drift(run, 0) < 1e-10);
}

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

TEST_CASE("APG from the hard start: one restart, after which no extrapolation ever falls") {
  Run<Accelerated, 5, 5> run(mdp, {.improvement = apg_options(mdp)}, hard_start);
  std::int64_t alone = 0, beyond = 0;
  int worse = 0;
  while (run.on.iteration() < 100000) {
    run.step();
    worse += run.query_objective() + 1e-12 < run.objective() ? 1 : 0;
    if (alone == 0 && best_alone_rises(run)) alone = run.on.iteration();
    if (alone != 0 && beyond == 0 && beyond_second_best(run)) beyond = run.on.iteration();
    if (run.on.iteration() == 50000) CHECK(run.gap() == doctest::Approx(1.0854).epsilon(5e-5));
  }
  CHECK(worse == 0);
  CHECK(alone == 8481);
  CHECK(beyond == 92067);
  CHECK(run.on.stabilizer<ValueRestart>().restarts() == 1);
  CHECK(run.gap() < 1e-6);
  CHECK(drift(run, 15) < 1e-10);
}

TEST_CASE("without the restart the hard start takes twice as long") {
  Run<Unguarded, 5, 5> run(mdp, {.improvement = apg_options(mdp)}, hard_start);
  int decreases = 0;
  double last = run.objective();
  while (run.on.iteration() < 200000) {
    run.step();
    const double now = run.objective();
    decreases += now + 1e-15 < last ? 1 : 0;
    last = now;
    if (run.on.iteration() == 50000) CHECK(now == doctest::Approx(8.172).epsilon(6e-5));
    if (run.on.iteration() == 100000) CHECK(now == doctest::Approx(8.8408).epsilon(6e-6));
  }
  CHECK(decreases == 12892);
  CHECK(run.gap() == doctest::Approx(1.5e-7).epsilon(0.02));
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
