// SPDX-License-Identifier: MIT
// Five states, five actions: the published trajectories of accelerated policy gradient (APG), to
// all their digits.
#include "ascent_five_states.hpp"

using namespace optiform;
using namespace optiform::testing;

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
