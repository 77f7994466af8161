// SPDX-License-Identifier: MIT
// What single iterations of tabular PPO-Clip guarantee.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// Sizes of one state of three actions.
struct Three {
  template <class F>
  static void each_action(F&& f) {
    for (int a = 0; a < 3; ++a) f(a);
  }
};

/// The derivative by the probability as the paper prints it, W = |A| weighted with pi_old; `sub`
/// without it. Written independently of the library.
double printed(Ratio, double p, double old, double a, double eps) {
  return (a > 0 ? 1 : -1) * (p / old - 1) < eps ? a : 0;
}
double printed(LogRatio, double p, double old, double a, double eps) {
  return (a > 0 ? 1 : -1) * std::log(p / old) < eps ? a * old / p : 0;
}
double printed(RootRatio, double p, double old, double a, double eps) {
  return (a > 0 ? 1 : -1) * (std::sqrt(p / old) - 1) < eps ? a / 2 * std::sqrt(old / p) : 0;
}
double printed(Subtraction, double p, double old, double a, double eps) {
  return (a > 0 ? 1 : -1) * (p - old) < eps ? a : 0;
}

template <class C>
using NeuralWeight = std::conditional_t<std::is_same_v<C, Subtraction>,
                                        WithoutProbability<AbsoluteAdvantage>, AbsoluteAdvantage>;

/// Runs whole iterations beside the algorithm of the paper, from one policy each.
template <class C>
void check_closed_form(C classifier) {
  const double eps = 0.3, eta = 0.2;
  const int inner = 5;
  using Algorithm = ExactClip<TableHinge<C, NeuralWeight<C>>>;
  Algorithm algorithm(process(), context(), clip_options<Algorithm>(eps, eta, inner));
  Rng rng(5);
  std::vector<double> logits(25);
  for (double& l : logits) l = rng.normal();
  algorithm.start_from(logits.data());
  for (int t = 0; t < 40; ++t) {
    double before[25], old[25], added[25] = {}, p[25];
    for (int i = 0; i < 25; ++i) before[i] = algorithm.parameters()[i];
    algorithm.step();
    const double* const advantage = algorithm.batch().advantage;
    for (int s = 0; s < 5; ++s) {
      const double norm = log_sum(before + 5 * s, 5);
      for (int a = 0; a < 5; ++a)
        p[5 * s + a] = old[5 * s + a] = std::exp(before[5 * s + a] - norm);
    }
    for (int k = 0; k < inner; ++k)
      for (int s = 0; s < 5; ++s) {
        double sum = 0;
        for (int i = 5 * s; i < 5 * s + 5; ++i) {
          const double step = eta * printed(classifier, p[i], old[i], advantage[i], eps);
          added[i] += step;
          sum += p[i] *= std::exp(step);
        }
        for (int i = 5 * s; i < 5 * s + 5; ++i) p[i] /= sum;
      }
    for (int s = 0; s < 5; ++s) {
      double constant[5];
      for (int a = 0; a < 5; ++a) {
        const int i = 5 * s + a;
        constant[a] = algorithm.parameters()[i] - before[i] - added[i];
      }
      for (int a = 1; a < 5; ++a) REQUIRE(std::abs(constant[a] - constant[0]) < 1e-12);
    }
  }
}

}  // namespace

TEST_CASE("MirrorStep: an iteration is pi exp(-eta sum g), with g as the paper prints it") {
  check_closed_form(Ratio{});
  check_closed_form(LogRatio{});
  check_closed_form(RootRatio{});
  check_closed_form(Subtraction{});
}

TEST_CASE("MirrorStep: the ratio's steps are a whole number of advantages, 1 to K") {
  using Algorithm = ExactClip<TableHinge<Ratio>>;
  const double eta = 0.7;
  Algorithm algorithm(process(), context(), clip_options<Algorithm>(0.3, eta, 5));
  struct Listener {
    double added[25] = {};
    void mirror_step(int state, const double* step) {
      for (int a = 0; a < 5; ++a) added[5 * state + a] += step[a];
    }
  };
  bool clipped = false, whole = false;
  for (int t = 0; t < 5; ++t) {
    auto& batch = algorithm.critic().evaluate(algorithm.policy(), algorithm.parameters());
    Listener listener;
    algorithm.improvement().improve(algorithm.surrogate(), batch, listener);
    for (int i = 0; i < 25; ++i) {
      const double n = listener.added[i] / (eta * batch.advantage[i]);
      REQUIRE(std::abs(n - std::round(n)) < 1e-12);
      REQUIRE(n > 0.5);
      REQUIRE(n < 5.5);
      clipped = clipped || n < 4.5;
      whole = whole || n > 4.5;
    }
    algorithm.critic().forget();
  }
  CHECK(clipped);
  CHECK(whole);
}

TEST_CASE("exponentiated_step: positive in float and double however long the step") {
  const auto check = []<class T>(T) {
    T l[3] = {0, 0, 0};
    const T step[3] = {T(1e9), T(-1e9), T(0)};
    for (int i = 0; i < 3; ++i) {
      exponentiated_step(Three{}, step, l);
      CHECK(l[0] == 0);
      for (const T value : l) {
        CHECK(math::exp(value) > 0);
        CHECK(math::isfinite(static_cast<double>(T(1) / math::exp(value))));
      }
    }
    // A forbidden action stays so.
    T forbidden[3] = {0, -__builtin_inff(), 0};
    const T even[3] = {0, T(5), 0};
    exponentiated_step(Three{}, even, forbidden);
    CHECK(forbidden[1] == -__builtin_inff());
    CHECK(math::exp(forbidden[0]) == doctest::Approx(0.5));
  };
  check(double{});
  check(float{});
}
