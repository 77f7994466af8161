// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <optiform/environments/tabular/paper_mdps.hpp>

#include "solvers.hpp"

namespace optiform::testing {
namespace {

/// Whether a number agrees with a printed one in `digits` places behind the point.
bool prints_as(double value, double printed, int digits) {
  return std::fabs(value - printed) <= 0.5001 * std::pow(10.0, -digits);
}

}  // namespace

TEST_CASE_TEMPLATE("5s5a: the optimum has the published digits", Backend, OnCpu, OnReference) {
  const TabularMdp<> mdp = five_state_mdp();
  const Evaluation best = optimum(Backend(), mdp);
  const double value[5] = {9.467508836288784, 9.475873582981839, 9.462354676194092,
                           9.190898144174335, 9.392403798579085};
  const double second[5] = {9.289392, 9.058027, 9.366756, 9.062355, 9.258027};
  const double visits[5] = {.26380525, .30207820, .1, .12874247, .20537408};
  const std::size_t action[5] = {0, 3, 4, 3, 4};
  CHECK(prints_as(best.objective, 9.408398506373334, 13));
  double smallest_deficit = 1;
  for (std::size_t s = 0; s < 5; ++s) {
    CAPTURE(s);
    CHECK(prints_as(best.value[s], value[s], 13));
    CHECK(prints_as(0.1 * best.visits[s], visits[s], 8));
    double runner_up = 0;
    for (std::size_t a = 0; a < 5; ++a) {
      CHECK(best.probability[5 * s + a] == (a == action[s] ? 1 : 0));
      if (a != action[s]) runner_up = std::fmax(runner_up, best.action_value[5 * s + a]);
    }
    CHECK(prints_as(runner_up, second[s], 6));
    smallest_deficit = std::fmin(smallest_deficit, best.value[s] - runner_up);
  }
  CHECK(prints_as(smallest_deficit, .0955986671077, 13));
}

TEST_CASE("5s5a: its hard start gives the best action the smallest logit and loses much") {
  const TabularMdp<> mdp = five_state_mdp();
  const Evaluation best = optimum(OnReference(), mdp);
  const std::vector<double> hard = five_state_hard_start();
  for (std::size_t pair = 0; pair < 25; ++pair)
    if (best.probability[pair] == 1) CHECK(hard[pair] == 1);
  // The rule that makes hard starts for other processes makes the published one for this.
  CHECK(start_of(OnCpu(), mdp, "hard") == hard);
  CHECK(start_of(OnReference(), mdp, "hard") == hard);

  const auto objective = [&](const std::vector<double>& logits) {
    return evaluation(OnCpu(), mdp, softmax(mdp, logits)).objective;
  };
  CHECK(prints_as(objective(mdp.start_logits()), 6.01640008216, 11));
  CHECK(std::fabs(objective(hard) - 3.770) < 1e-3);
}

TEST_CASE("m2, q3, q6: closed forms of their optima") {
  SUBCASE("m2") {
    const Evaluation best = optimum(OnReference(), two_state_mdp());
    // All nine policies, each a linear system of two equations solved by determinants.
    double largest = 0;
    for (int first = 0; first < 3; ++first)
      for (int second = 0; second < 3; ++second) {
        const double r[2][3] = {{.4, .5, .3}, {1, .95, .9}}, p[2][3] = {{.5, .4, .7}, {.6, .8, .2}};
        const double a = 1 - .9 * p[0][first], b = -.9 * (1 - p[0][first]), c = -.9 * p[1][second],
                     d = 1 - .9 * (1 - p[1][second]);
        const double v1 = (d * r[0][first] - b * r[1][second]) / (a * d - b * c),
                     v2 = (a * r[1][second] - c * r[0][first]) / (a * d - b * c);
        largest = std::fmax(largest, .7 * v1 + .3 * v2);
      }
    CHECK(std::fabs(best.objective - largest) < 1e-13);
    CHECK(two_state_mdp().start_logits() == std::vector<double>{3, 1, 5, 6, 4, 1});
  }
  SUBCASE("q3") {
    const Evaluation best = optimum(OnReference(), three_state_mdp());
    CHECK(std::fabs(best.objective - .9 / (1 - .729)) < 1e-13);
    const std::vector<double> logits = three_state_mdp().start_logits();
    const double forbidden = -HUGE_VAL;
    CHECK(logits == std::vector<double>{0, 0, 0, 2, 0, forbidden, 0, forbidden});
  }
  SUBCASE("q6") {
    const Evaluation best = optimum(OnReference(), six_state_mdp());
    CHECK(std::fabs(best.objective - (.9 * .7 + .81) / (1 - .729)) < 1e-13);
    CHECK(six_state_mdp().available(5) == false);
    CHECK(six_state_mdp().available(7) == false);
    CHECK(six_state_mdp().available(9));
  }
}

TEST_CASE("bandits: their start policies are the published ones") {
  const auto start = [](const char* name) {
    const TabularMdp<> mdp = process(name);
    CHECK(mdp.states() == 1);
    CHECK(mdp.discount() == 0);
    CHECK(broken_assumptions(mdp).empty());
    return softmax(mdp, mdp.start_logits());
  };
  CHECK(start("bu")[2] == doctest::Approx(1.0 / 3));
  CHECK(start("b2")[0] == 0.5);
  const auto hard = start("bh");
  CHECK(prints_as(hard[0], .01588, 5));
  CHECK(prints_as(hard[1], .11731, 5));
  CHECK(prints_as(hard[2], .86681, 5));
  const auto misleading = start("bn");
  CHECK(prints_as(misleading[0], .00005, 5));
  CHECK(prints_as(misleading[1], .00091, 5));
  CHECK(prints_as(misleading[2], .99904, 5));
}

}  // namespace optiform::testing
