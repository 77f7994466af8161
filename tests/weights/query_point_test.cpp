// SPDX-License-Identifier: MIT
// Rules that ask away from their iterate train parameters that stay at the query point.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "../support/scalar_optimizers.hpp"
#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

using Numbers = std::vector<double>;

/// A gradient that depends on where it is taken, so that a wrong point shows.
void gradient_at(const Numbers& x, Numbers& g) {
  for (std::size_t i = 0; i < x.size(); ++i)
    g[i] = std::sin(x[i]) + 0.1 * static_cast<double>(i % 7) * x[i];
}

template <class R>
using Trained = Weights<WeightOptimizer<R>, Cpu, double>;

WeightOptimizerOptions with(CoefficientSchedules coefficients) {
  WeightOptimizerOptions options = WeightOptimizer<Nesterov>::on<Cpu, double>::defaults();
  options.coefficients = std::move(coefficients);
  return options;
}

/// Runs f(weights, step) after a gradient at the values, and the optimizer's step.
template <class R, class F>
void descend(Trained<R>& w, int steps, double rate, F&& f) {
  for (int t = 1; t <= steps; ++t) {
    gradient_at(w.values, w.gradients);
    f(t);
    w.optimizer.step(w.context, w.values.data(), w.gradients.data(), 1, rate);
  }
}

/// The distance of the read-out of triple momentum from the minimum 0 of a quadratic with
/// curvatures from m to L, after so many steps.
double distance_after(int steps, double smoothness, double strong_convexity, bool read_out) {
  const auto numbers = triple_momentum_numbers(smoothness, strong_convexity);
  auto options = with(numbers.coefficients());
  options.coefficients.set("delta", numbers.delta);
  Trained<WithReadOut<TripleMomentum>> w(table_of_matrix(1, 16), options);
  for (int t = 0; t < steps; ++t) {
    for (std::size_t i = 0; i < 16; ++i)
      w.gradients[i] = w.values[i] * (strong_convexity + static_cast<double>(i) / 15 *
                                                             (smoothness - strong_convexity));
    w.optimizer.step(w.context, w.values.data(), w.gradients.data(), 1, numbers.learning_rate);
  }
  Numbers shown = w.values;
  if (read_out) w.optimizer.read_out(w.context, w.values.data(), shown.data());
  return std::sqrt(inner(shown, shown));
}

}  // namespace

TEST_CASE("Nesterov keeps parameters at the query point: the textbook loop to rounding") {
  Trained<Nesterov> w(table_of_matrix(37, 64), with({{"mu", 0.8}, {"beta", 0.8}}));
  Numbers y = w.values, x = w.values, g(x.size());
  descend(w, 100, 0.05, [&](int) {
    gradient_at(y, g);
    scalar_optimizers::nesterov(y, x, g, 0.05, 0.8);
  });
  CHECK(relative_error(w.values, y) < 1e-13);
  w.optimizer.read_out(w.context, w.values.data(), w.values.data());
  CHECK(relative_error(w.values, x) < 1e-13);
}

TEST_CASE("Nesterov with (t - 1) / (t + r - 1): the textbook sequence for any r") {
  for (const double r : {3.0, 5.0}) {
    const auto momentum = CoefficientSchedule::momentum(r);
    Trained<Nesterov> w(table_of_matrix(4, 8), with({{"mu", momentum}, {"beta", momentum}}));
    Numbers y = w.values, x = w.values, g(x.size());
    descend(w, 100, 0.05, [&](int t) {
      gradient_at(y, g);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double next = y[i] - 0.05 * g[i];
        y[i] = next + (t - 1) / (t + r - 1) * (next - x[i]);
        x[i] = next;
      }
    });
    CHECK(relative_error(w.values, y) < 1e-12);
  }
}

TEST_CASE("triple momentum is the textbook iteration of y and xi, its read-out included") {
  const auto n = triple_momentum_numbers(3, 0.1);
  auto options = with(n.coefficients());
  options.coefficients.set("delta", n.delta);
  Trained<WithReadOut<TripleMomentum>> w(table_of_matrix(8, 4), options);
  Numbers xi = w.values, before = w.values, y = w.values, g(y.size());
  descend(w, 60, n.learning_rate, [&](int) {
    gradient_at(y, g);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double next = xi[i] + n.beta * (xi[i] - before[i]) - n.learning_rate * g[i];
      before[i] = xi[i];
      xi[i] = next;
      y[i] = xi[i] + n.mu * (xi[i] - before[i]);
    }
  });
  CHECK(relative_error(w.values, y) < 1e-12);
  Numbers shown(y.size());
  w.optimizer.read_out(w.context, w.values.data(), shown.data());
  for (std::size_t i = 0; i < y.size(); ++i) xi[i] += n.delta * (xi[i] - before[i]);
  CHECK(relative_error(shown, xi) < 1e-12);
}

TEST_CASE("triple momentum contracts by 1 - 1 / sqrt(k) per step on quadratics") {
  for (const double k : {4.0, 10.0, 100.0}) {
    const double rho = triple_momentum_numbers(k, 1).contraction;
    CHECK(rho == doctest::Approx(1 - 1 / std::sqrt(k)));
    const int from = static_cast<int>(std::log(1e-3) / std::log(rho)), to = 2 * from;
    const double rate = std::pow(distance_after(to, k, 1, true) / distance_after(from, k, 1, true),
                                 1.0 / (to - from));
    INFO("k = ", k);
    CHECK(rate < rho * 1.02);
    CHECK(rate > rho * 0.9);
    CHECK(distance_after(from, k, 1, true) != distance_after(from, k, 1, false));
  }
}

TEST_CASE("the numbers of accelerated methods are those of their papers") {
  const auto t = triple_momentum_numbers(100, 1);  // rho = 0.9
  CHECK(t.learning_rate == doctest::Approx(0.019));
  CHECK(t.beta == doctest::Approx(0.81 / 1.1));
  CHECK(t.mu == doctest::Approx(0.81 / (1.9 * 1.1)));
  CHECK(t.delta == doctest::Approx(0.81 / 0.19));
  const auto n = nesterov_numbers(100, 1);
  CHECK(n.learning_rate == doctest::Approx(0.01));
  CHECK(n.mu == doctest::Approx(9.0 / 11));
  CHECK(n.beta == n.mu);
  CHECK(message_of([] { triple_momentum_numbers(1, 2); }) ==
        "smoothness is 1 and strong convexity 2; expected 0 < strong convexity <= smoothness");
  CHECK(message_of([] { nesterov_numbers(1, 0); }) ==
        "smoothness is 1 and strong convexity 0; expected 0 < strong convexity <= smoothness");
}

TEST_CASE("a read-out before the first step, and of a rule that asks at x, is the values") {
  Trained<Nesterov> nesterov(table_of_all_roles());
  Trained<AdamW> adam(table_of_all_roles());
  Numbers shown(nesterov.values.size());
  const auto differs = [&](const auto& w) {
    for (const ParameterInfo& p : w.table.entries())
      for (Index i = p.offset; i < p.offset + p.size; ++i)
        if (shown[static_cast<std::size_t>(i)] != w.values[static_cast<std::size_t>(i)])
          return true;
    return false;
  };
  nesterov.optimizer.read_out(nesterov.context, nesterov.values.data(), shown.data());
  CHECK(!differs(nesterov));
  adam.random_step(1, 1e-2);
  adam.optimizer.read_out(adam.context, adam.values.data(), shown.data());
  CHECK(!differs(adam));
  nesterov.random_step(1, 1e-2), nesterov.random_step(2, 1e-2);
  nesterov.optimizer.read_out(nesterov.context, nesterov.values.data(), shown.data());
  CHECK(differs(nesterov));
}

TEST_CASE("at the query point: the iterate is a stream, and a resume goes on bit by bit") {
  Trained<Nesterov> a(table_of_all_roles()), b(table_of_all_roles());
  for (std::uint64_t s = 0; s < 4; ++s) a.random_step(s, 1e-2);
  const auto from = a.optimizer.streams();
  REQUIRE(from.size() == 2);
  CHECK(from[1].name == "iterate");
  CHECK(Trained<Nesterov>::On::planned_bytes(a.table, {}, 1) == 8 * (from[0].size + from[1].size));
  b.values = a.values;
  b.optimizer.set_clock(a.optimizer.clock());
  const auto to = b.optimizer.streams();
  for (std::size_t i = 0; i < from.size(); ++i)
    std::copy(from[i].data, from[i].data + from[i].size, to[i].data);
  for (std::uint64_t s = 4; s < 7; ++s) a.random_step(s, 1e-2), b.random_step(s, 1e-2);
  CHECK(a.values == b.values);
}

TEST_CASE("at the query point: a step that clears is the same step; threads change nothing") {
  Weights<WeightOptimizer<TripleMomentum>, Cpu, float> a(table_of_matrix(300, 200));
  for (std::uint64_t s = 0; s < 3; ++s) a.random_step(s, 1e-2);
  for (const int threads : {1, 2, 3}) {
    Weights<WeightOptimizer<TripleMomentum>, Cpu, float> b(table_of_matrix(300, 200),
                                                           a.optimizer.defaults(), threads);
    for (std::uint64_t s = 0; s < 3; ++s) {
      Rng rng(100 + s);
      auto gradients = normal<float>(rng, b.table.total());
      b.optimizer.step_and_clear(b.context, b.values.data(), gradients.data(), 0.5, 1e-2);
      CHECK(inner(gradients, gradients) == 0);
    }
    CHECK(a.values == b.values);
  }
}

TEST_CASE("a pinned look-ahead is the same optimizer without the iterate's stream") {
  Trained<Nesterov> zero(table_of_all_roles(), with({{"mu", 0.0}}));
  Trained<HeavyBall> ball(table_of_all_roles());
  CHECK(ball.optimizer.streams().size() == 1);
  for (std::uint64_t s = 0; s < 3; ++s) zero.random_step(s, 1e-2), ball.random_step(s, 1e-2);
  for (const ParameterInfo& p : ball.table.entries())
    for (Index i = p.offset; i < p.offset + p.size; ++i)
      CHECK(zero.values[static_cast<std::size_t>(i)] == ball.values[static_cast<std::size_t>(i)]);
}

}  // namespace optiform::testing
