// SPDX-License-Identifier: MIT
// How fast PPO-Clip converges on tables: the numbers of docs/ppo_clip.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

constexpr double discount = 0.9;

struct Setting {
  int iterations = 256;
  double alpha = 0.5;
  int inner_steps = 5;
  double epsilon = 0.3;
  bool hard = false;
};

/// Of the gap J* - J(pi_t) from the start distribution, t = 0 ... T - 1.
struct Outcome {
  double average = 0, least = 1e300;
  int broken = 0;        ///< iterations in which condition (14) does not hold for L_C = eta
  int above_bound = 0;   ///< prefixes of the run whose mean gap is above the bound
  int broken_chain = 0;  ///< iterations whose divergence from the optimum falls too little
  double least_step = 1e300, most_step = 0;  ///< C / eta where |A| > 1e-9
};

struct Listener {
  double added[25] = {};
  void mirror_step(int state, const double* step) {
    for (int a = 0; a < 5; ++a) added[5 * state + a] += step[a];
  }
};

/// PPO-Clip with exact advantages of all pairs and the fixed step T^-alpha.
template <class Surrogate>
Outcome run(Setting setting) {
  using Algorithm = ExactClip<Surrogate>;
  const double eta = std::pow(setting.iterations, -setting.alpha);
  Algorithm algorithm(process(), context(),
                      clip_options<Algorithm>(setting.epsilon, eta, setting.inner_steps));
  if (setting.hard) algorithm.start_from(five_state_hard_start().data());
  auto& best = algorithm.critic().optimum();
  const double first_divergence = [&] {
    double total = 0;
    for (int s = 0; s < 5; ++s) {
      const double* const row = algorithm.parameters() + 5 * s;
      for (int a = 0; a < 5; ++a)
        if (best.advantage()[5 * s + a] > -1e-9)
          total += (1 - discount) * best.visits()[s] * (log_sum(row, 5) - row[a]);
    }
    return total;
  }();
  Outcome out;
  double optimum_gaps = 0;
  for (int t = 0; t < setting.iterations; ++t) {
    const double gap = algorithm.gap();
    out.average += gap;
    out.least = std::min(out.least, gap);

    auto& batch = algorithm.critic().evaluate(algorithm.policy(), algorithm.parameters());
    auto& here = algorithm.critic().iterate(algorithm.policy(), algorithm.parameters());
    double before[25], optimum_gap = 0;
    for (int s = 0; s < 5; ++s)
      optimum_gap += (1 - discount) * best.visits()[s] * (best.value()[s] - here.value()[s]);
    for (int i = 0; i < 25; ++i) before[i] = algorithm.parameters()[i];
    Listener listener;
    algorithm.improvement().improve(algorithm.surrogate(), batch, listener);

    // E over the optimum's visits: <A, pi* - pi>, <C A, pi* - pi>, and the divergence's change.
    double along = 0, stepped = 0, nearer = 0, longest = 0;
    for (int s = 0; s < 5; ++s) {
      const double weight = (1 - discount) * best.visits()[s];
      const double* const after = algorithm.parameters() + 5 * s;
      for (int a = 0; a < 5; ++a) {
        const int i = 5 * s + a;
        const bool chosen = best.advantage()[i] > -1e-9;
        const double away = (chosen ? 1 : 0) - batch.probability[i];
        along += weight * away * batch.advantage[i];
        stepped += weight * away * listener.added[i];
        if (chosen)
          nearer +=
              weight * ((after[a] - log_sum(after, 5)) - (before[i] - log_sum(before + 5 * s, 5)));
        longest = std::max(longest, std::abs(listener.added[i]));
        if (std::abs(batch.advantage[i]) < 1e-9) continue;
        const double step = listener.added[i] / (eta * batch.advantage[i]);
        out.least_step = std::min(out.least_step, step);
        out.most_step = std::max(out.most_step, step);
      }
    }
    const bool broken = eta * along > stepped + 1e-14;
    out.broken += broken;
    if (!broken)
      out.broken_chain +=
          -nearer > -eta * (1 - discount) * optimum_gap + longest * longest / 2 + 1e-12;
    optimum_gaps += optimum_gap;
    const double most = 1 / (1 - discount), taken = setting.inner_steps * eta * most;
    const double bound = first_divergence + 0.5 * (t + 1) * taken * taken;
    out.above_bound += optimum_gaps * eta * (1 - discount) > bound;
    algorithm.critic().forget();
  }
  out.average /= setting.iterations;
  return out;
}

double slope(double early, double late, double from, double to) {
  return std::log(late / early) / std::log(to / from);
}

void check_to(double value, double expected, double tolerance = 0.01) {
  CHECK(value == doctest::Approx(expected).epsilon(tolerance));
}

}  // namespace

TEST_CASE("PPO-Clip: the mean gap falls like 1 / sqrt(T) with steps 1 / sqrt(T)") {
  const int iterations[] = {16, 64, 256, 1024, 4096, 16384};
  const double average[] = {1.0072, .43010, .20821, .10234, .050732, .025257};
  const double least[] = {9.5e-2, 5.3e-3, 5.9e-5, 2.2e-8, 5e-15, 2.6e-28};
  double found[6];
  for (int i = 0; i < 6; ++i) {
    const Outcome out = run<TableHinge<Ratio>>({.iterations = iterations[i]});
    found[i] = out.average;
    CAPTURE(iterations[i]);
    check_to(out.average, average[i], 1e-4);
    check_to(out.least, least[i], 0.02);
    CHECK(out.above_bound == 0);
    CHECK(out.broken_chain == 0);
    CHECK(out.broken == 0);
    CHECK(out.least_step > 1 - 1e-9);
    CHECK(out.most_step < 5 + 1e-9);
    MESSAGE("T = ", iterations[i], ": mean ", out.average, ", least ", out.least,
            ", condition (14) broken ", out.broken, " times");
  }
  const double fall = slope(found[2], found[5], 256, 16384);
  CHECK(fall > -0.55);
  CHECK(fall < -0.45);
}

TEST_CASE("PPO-Clip: with steps T^-alpha the mean gap falls like T^-(1 - alpha)") {
  const int iterations[] = {256, 1024, 4096, 16384};
  const double six[] = {.3568, .2029, .1160, .0665}, hard[] = {.5684, .2812, .1399, .0697};
  double found[4], eight[4], steep[4];
  for (int i = 0; i < 4; ++i) {
    const Outcome at = run<TableHinge<Ratio>>({.iterations = iterations[i], .alpha = 0.6});
    check_to(found[i] = at.average, six[i], 1e-3);
    const Outcome late = run<TableHinge<Ratio>>({.iterations = iterations[i], .alpha = 0.8});
    eight[i] = late.average;
    const Outcome far = run<TableHinge<Ratio>>({.iterations = iterations[i], .hard = true});
    check_to(steep[i] = far.average, hard[i], 1e-3);
    CHECK(at.above_bound + late.above_bound + far.above_bound == 0);
  }
  MESSAGE("alpha 0.8: ", eight[0], " ", eight[1], " ", eight[2], " ", eight[3]);
  CHECK(slope(found[0], found[3], 256, 16384) == doctest::Approx(-0.40).epsilon(0.03));
  CHECK(slope(eight[0], eight[3], 256, 16384) == doctest::Approx(-0.19).epsilon(0.06));
  CHECK(slope(steep[0], steep[3], 256, 16384) == doctest::Approx(-0.50).epsilon(0.03));
}

TEST_CASE("PPO-Clip: classifiers under one step") {
  const int iterations[] = {256, 4096, 16384};
  const double log[] = {.2074, .05068, .02524}, root[] = {.4079, .1010, .0504};
  const double light[] = {.8753, .2619, .1403}, light_least[] = {1.54e-1, 2.82e-2, 1.33e-2};
  for (int i = 0; i < 3; ++i) {
    const Setting setting{.iterations = iterations[i]};
    const Outcome ratio = run<TableHinge<Ratio>>(setting);
    const Outcome logarithm = run<TableHinge<LogRatio>>(setting);
    const Outcome square_root = run<TableHinge<RootRatio>>(setting);
    check_to(logarithm.average, log[i], 1e-3);
    check_to(square_root.average, root[i], 1e-3);
    // Without the probability in the weight the difference is the ratio's gradient, clipped later.
    const Outcome difference =
        run<TableHinge<Subtraction, WithoutProbability<AbsoluteAdvantage>>>(setting);
    check_to(difference.average, ratio.average, 1e-3);
    // With it, rare actions hardly move: condition (14) fails and so does the rate of the least.
    const Outcome weighted = run<TableHinge<Subtraction>>(setting);
    check_to(weighted.average, light[i], 1e-3);
    check_to(weighted.least, light_least[i]);
    MESSAGE("T = ", iterations[i], ": sub weighted breaks condition (14) ", weighted.broken,
            " times; sub - ratio ", difference.average - ratio.average, "; C / eta of log ",
            logarithm.least_step, " to ", logarithm.most_step, ", of root ", square_root.least_step,
            " to ", square_root.most_step);
    if (iterations[i] == 256) {
      check_to(logarithm.most_step, 5.6);
      check_to(square_root.most_step, 2.57);
    }
    if (iterations[i] == 16384) CHECK(weighted.broken == doctest::Approx(15577).epsilon(0.01));
  }
}

TEST_CASE("PPO-Clip: the clip range does not enter the rate, inner steps are longer steps") {
  const double range[] = {.05, .1, .3, .5, 100}, short_run[] = {.2888, .2195, .2082, .2082, .2082};
  for (int i = 0; i < 5; ++i) {
    check_to(run<TableHinge<Ratio>>({.epsilon = range[i]}).average, short_run[i], 1e-3);
    const double late = run<TableHinge<Ratio>>({.iterations = 4096, .epsilon = range[i]}).average;
    CHECK(late > 0.0507);
    CHECK(late < 0.0508);
  }
  const int inner[] = {1, 2, 10};
  const double average[] = {.2519, .1262, .02559};
  for (int i = 0; i < 3; ++i)
    check_to(run<TableHinge<Ratio>>({.iterations = 4096, .inner_steps = inner[i]}).average,
             average[i], 1e-3);
}
