// SPDX-License-Identifier: MIT
// The hinge view of clipping: its identity with the clipped surrogate, and derivatives.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <optiform/core/dual.hpp>
#include <optiform/core/random.hpp>
#include <optiform/policy/table_batch.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

// [classifier]
/// sinh(log ratio): the logarithm near 1, half the ratio far above, half its inverse far below.
struct SinhLogRatio {
  template <class T>
  static T value(const ActionPoint<T>& p) {
    return (p.ratio - T(1) / p.ratio) / T(2);
  }
  template <class T>
  static T derivative(const ActionPoint<T>& p) {
    return (T(1) + T(1) / (p.ratio * p.ratio)) / T(2);
  }
};
// [classifier]

template <class C, class W, class M>
struct Case {
  using Classifier = C;
  using Weight = W;
  using Margin = M;
  using Surrogate = TableHinge<C, W, M>;
};

/// f(case) for all classifiers, weights and margins.
template <class Margin, class F>
void each_case(F&& f) {
  const auto weights = [&]<class C>(C) {
    f(Case<C, AbsoluteAdvantage, Margin>{});
    f(Case<C, UnitWeight, Margin>{});
    f(Case<C, WithoutProbability<AbsoluteAdvantage>, Margin>{});
  };
  weights(Ratio{});
  weights(LogRatio{});
  weights(RootRatio{});
  weights(Subtraction{});
  weights(SquareRatio{});
}

/// Sizes of one state.
struct OneState {
  static constexpr int actions_count = 4;
  static constexpr int states() { return 1; }
  static constexpr int actions() { return actions_count; }
  template <class F>
  static void each_action(F&& f) {
    for (int a = 0; a < actions_count; ++a) f(a);
  }
};

void random_simplex(Rng& rng, double* p) {
  double sum = 0;
  for (int a = 0; a < OneState::actions_count; ++a) sum += p[a] = 0.02 + rng.uniform();
  for (int a = 0; a < OneState::actions_count; ++a) p[a] /= sum;
}

/// The derivative of a hinge away from its kink, against differences and dual numbers.
template <class Now>
void check_derivative(Now) {
  using Surrogate = typename Now::Surrogate;
  Rng rng(3);
  Surrogate hinge;
  int checked = 0, active = 0;
  while (checked < 400) {
    hinge.epsilon = 0.05 + 0.5 * rng.uniform();
    const double rising = 0.9 * rng.uniform(), smallest = 0.05 + 0.1 * rng.uniform();
    const double margin = hinge.margin(rising, 0.95 - rising, smallest);
    const double ratio = 0.3 + 2 * rng.uniform(), h = 1e-6;
    const ActionPoint<double> p{ratio, smallest + 0.5 * rng.uniform(), rng.normal(), margin};
    const double y = p.advantage > 0 ? 1 : -1;
    if (std::abs(margin - y * Now::Classifier::value(p)) < 1e-4) continue;  // the kink
    ++checked;
    auto above = p, below = p;
    above.ratio += h;
    below.ratio -= h;
    const double derivative = hinge.derivative(p);
    const double difference = (hinge.value(above) - hinge.value(below)) / (2 * h);
    const double scale = std::max(std::abs(derivative), 1e-3);
    REQUIRE(std::abs(derivative - difference) <= 1e-6 * scale);
    const Dual<double> dual = hinge.value(
        ActionPoint<Dual<double>>{{ratio, 1}, p.old_probability, p.advantage, p.margin});
    REQUIRE(dual.value == doctest::Approx(hinge.value(p)).epsilon(1e-14));
    REQUIRE(std::abs(dual.derivative - derivative) <= 1e-13 * scale);
    active += derivative != 0;
  }
  CHECK(active > 50);
  CHECK(active < 400);
}

}  // namespace

TEST_CASE("Hinge: with the ratio it is the clipped surrogate up to a constant") {
  Rng rng(1);
  const TableHinge<Ratio> hinge;
  for (int i = 0; i < 100000; ++i) {
    const double ratio = 3 * rng.uniform(), advantage = 5 * rng.normal(), eps = rng.uniform();
    const double clipped = std::clamp(ratio, 1 - eps, 1 + eps);
    const double surrogate = std::min(ratio * advantage, clipped * advantage);
    const double view = advantage + eps * std::abs(advantage) +
                        hinge.value(ActionPoint<double>{ratio, 0.3, advantage, eps});
    const double scale = (1 + ratio + eps) * std::abs(advantage);
    REQUIRE(std::abs(surrogate - view) <= 1e-14 * scale);
    // And their derivatives are the same to the bit.
    const bool active = ratio * advantage <= clipped * advantage;
    if (std::abs(std::abs(ratio - 1) - eps) < 1e-9) continue;
    REQUIRE(hinge.derivative(ActionPoint<double>{ratio, 0.3, advantage, eps}) ==
            (active ? advantage : 0.0));
  }
}

TEST_CASE("Hinge: at the kink and at advantage 0 the derivative is 0") {
  const TableHinge<Ratio> hinge;
  CHECK(hinge.derivative(ActionPoint<double>{1.25, 0.3, 2.0, 0.25}) == 0);
  CHECK(hinge.derivative(ActionPoint<double>{0.75, 0.3, -2.0, 0.25}) == 0);
  CHECK(hinge.derivative(ActionPoint<double>{1, 0.3, 0.0, 0.25}) == 0);
  CHECK(hinge.value(ActionPoint<double>{1, 0.3, 0.0, 0.25}) == 0);
}

TEST_CASE("Hinge: the active set of every classifier, in terms of the ratio") {
  const double m = 0.3, old = 0.4;
  const auto check = [&]<class Surrogate>(Surrogate hinge, double high, double low) {
    const auto moves = [&](double ratio, double advantage) {
      return hinge.derivative(ActionPoint<double>{ratio, old, advantage, m}) != 0;
    };
    CHECK(moves(high - 1e-9, 1));
    CHECK(!moves(high + 1e-9, 1));
    CHECK(moves(low + 1e-9, -1));
    CHECK(!moves(low - 1e-9, -1));
  };
  check(TableHinge<Ratio>{}, 1 + m, 1 - m);
  check(TableHinge<LogRatio>{}, std::exp(m), std::exp(-m));
  check(TableHinge<RootRatio>{}, (1 + m) * (1 + m), (1 - m) * (1 - m));
  check(TableHinge<Subtraction>{}, 1 + m / old, 1 - m / old);
  check(TableHinge<SquareRatio>{}, std::sqrt(1 + m), std::sqrt(1 - m));
}

TEST_CASE("Hinge: on the first minibatch classifiers differ from the policy gradient by a factor") {
  Rng rng(2);
  for (int i = 0; i < 1000; ++i) {
    const double old = 0.01 + 0.9 * rng.uniform(), advantage = rng.normal();
    const ActionPoint<double> p{1, old, advantage, 0.2};
    // d/d log pi = ratio d/d ratio, and the ratio is 1.
    CHECK(TableHinge<Ratio>{}.derivative(p) == advantage);
    CHECK(TableHinge<LogRatio>{}.derivative(p) == advantage);
    CHECK(TableHinge<RootRatio>{}.derivative(p) == advantage / 2);
    CHECK(TableHinge<Subtraction>{}.derivative(p) == advantage * old);
    CHECK(TableHinge<SquareRatio>{}.derivative(p) == advantage * 2);
  }
}

TEST_CASE("Hinge: derivative against central differences and dual numbers") {
  const auto check = [](auto c) { check_derivative(c); };
  each_case<ConstantMargin>(check);
  each_case<AdaptiveMargin>(check);
  check_derivative(Case<SinhLogRatio, AbsoluteAdvantage, ConstantMargin>{});
}

TEST_CASE("state_gradient: it is the derivative of surrogate_value by the probabilities") {
  const auto check = [](auto c) {
    typename decltype(c)::Surrogate hinge;
    using Classifier = typename decltype(c)::Classifier;
    Rng rng(4);
    for (int round = 0; round < 50; ++round) {
      double old[4], now[4], advantage[4], gradient[4];
      const double visits = 1, importance[4] = {0.5, 2, 0, 1};
      random_simplex(rng, old);
      random_simplex(rng, now);
      for (double& a : advantage) a = rng.normal();
      TableBatch<double, OneState> batch{.sizes = {},
                                         .probability = old,
                                         .advantage = advantage,
                                         .state_weight = &visits,
                                         .importance = round % 2 == 0 ? nullptr : importance};
      state_gradient(hinge, batch, 0, now, gradient);
      const double margin = detail::state_margin(hinge, batch, 0);
      for (int a = 0; a < 4; ++a) {
        const double y = advantage[a] > 0 ? 1 : -1;
        const ActionPoint<double> p{now[a] / old[a], old[a], advantage[a], margin};
        if (std::abs(margin - y * Classifier::value(p)) < 1e-3) continue;
        const double h = 1e-6, kept = now[a];
        now[a] = kept + h;
        const double above = surrogate_value(hinge, batch, now);
        now[a] = kept - h;
        const double below = surrogate_value(hinge, batch, now);
        now[a] = kept;
        REQUIRE(gradient[a] == doctest::Approx((above - below) / (2 * h)).epsilon(1e-6));
      }
    }
  };
  each_case<ConstantMargin>(check);
  each_case<AdaptiveMargin>(check);
}

TEST_CASE("AdaptiveMargin: siblings release what an action may gain; the rest has no say") {
  TableHinge<Subtraction, AbsoluteAdvantage, AdaptiveMargin> hinge{.epsilon = 0.1};
  // Two actions rise and hold 0.7, one falls and holds 0.3; the last is not available.
  const double old[4] = {0.6, 0.1, 0.3, 0}, visits = 1;
  double advantage[4] = {1, 2, -1, -5}, gradient[4];
  TableBatch<double, OneState> batch{
      .sizes = {}, .probability = old, .advantage = advantage, .state_weight = &visits};
  const double slack = 0.1 * (0.3 / (0.7 + 1e-8));
  CHECK(detail::state_margin(hinge, batch, 0) == doctest::Approx(0.1 * slack).epsilon(1e-14));
  const TableHinge<Ratio, UnitWeight, AdaptiveMargin> ratio{.epsilon = 0.1};
  CHECK(detail::state_margin(ratio, batch, 0) == doctest::Approx(slack).epsilon(1e-14));
  const TableHinge<LogRatio, UnitWeight, AdaptiveMargin> log{.epsilon = 0.1};
  CHECK(detail::state_margin(log, batch, 0) == doctest::Approx(std::log(1 + slack)).epsilon(1e-14));
  // Nothing infinite for the action that is not available, whatever the weight.
  const TableHinge<Ratio, WithoutProbability<AbsoluteAdvantage>> heavy;
  state_gradient(heavy, batch, 0, old, gradient);
  CHECK(gradient[3] == 0);
  CHECK(gradient[2] == doctest::Approx(-1 / 0.3));
}
