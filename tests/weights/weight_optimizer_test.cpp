// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <optiform/cpu.hpp>

#include "../support/random_data.hpp"
#include "../support/scalar_optimizers.hpp"

namespace optiform::testing {
namespace {

ParameterTable table_of_roles() {
  ParameterTable table;
  table.add("matrix", Role::matrix, {37, 61}, {});  // more than one block, and a rest
  table.add("embedding", Role::embedding, {5, 7}, {});
  table.add("norm", Role::norm, {13}, {});
  table.add("scalar", Role::scalar, {}, {});
  return table;
}

template <class R, class Backend, class T>
struct Setting {
  using Optimizer = typename WeightOptimizer<R>::template on<Backend, T>;

  explicit Setting(WeightOptimizerOptions options = Optimizer::defaults())
      : table(table_of_roles()), optimizer(table, std::move(options)), context(1), rng(4) {
    values = normal<T>(rng, table.total());
    // The gaps between tensors stay zero.
    std::vector<bool> used(values.size(), false);
    for (const auto& p : table.entries())
      for (Index i = p.offset; i < p.offset + p.size; ++i) used[static_cast<std::size_t>(i)] = true;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!used[i]) values[i] = T(0);
  }
  std::vector<double> slice(const ParameterInfo& p) const {
    return std::vector<double>(values.begin() + p.offset, values.begin() + p.offset + p.size);
  }

  ParameterTable table;
  Optimizer optimizer;
  context_t<Backend> context;
  Rng rng;
  std::vector<T> values;
};

/// Fifty steps of the optimizer beside `textbook(w, streams, g, clock, rate, decay)` per tensor.
template <class R, class Backend, class T, class Textbook>
double distance_from_textbook(const WeightOptimizerOptions& options, Textbook&& textbook) {
  Setting<R, Backend, T> s(options);
  std::vector<std::vector<double>> weights;
  std::vector<std::vector<std::vector<double>>> streams;
  for (const auto& p : s.table.entries()) {
    weights.push_back(s.slice(p));
    const std::vector<double> zero(static_cast<std::size_t>(p.size), 0.0);
    streams.push_back({zero, zero});
  }
  constexpr double factor = 0.7;
  for (int clock = 1; clock <= 50; ++clock) {
    const auto gradient = normal<T>(s.rng, s.table.total());
    const double rate = 1e-2 / clock;
    s.optimizer.step(s.context, s.values.data(), gradient.data(), factor, rate);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const ParameterInfo& p = s.table.entries()[i];
      std::vector<double> g;
      for (Index e = 0; e < p.size; ++e)
        g.push_back(factor * static_cast<double>(gradient[static_cast<std::size_t>(p.offset + e)]));
      const ParameterGroup& group = options.group(p.role);
      textbook(weights[i], streams[i], g, clock, rate * group.learning_rate_factor,
               group.weight_decay);
    }
  }
  CHECK(s.optimizer.clock() == 50);
  double worst = 0;
  for (std::size_t i = 0; i < weights.size(); ++i)
    worst = std::fmax(worst, relative_error(s.slice(s.table.entries()[i]), weights[i]));
  return worst;
}

template <class Backend, class T>
void check_all(double bound) {
  using Numbers = std::vector<double>;
  using Streams = std::vector<Numbers>;
  WeightOptimizerOptions plain;
  plain.matrix.weight_decay = plain.embedding.weight_decay = 0;
  plain.norm.learning_rate_factor = 0.5;
  CHECK(distance_from_textbook<GradientDescent, Backend, T>(
            plain, [](Numbers& w, Streams&, const Numbers& g, int, double rate, double) {
              scalar_optimizers::gradient_descent(w, g, rate);
            }) < bound);
  CHECK(distance_from_textbook<HeavyBall, Backend, T>(
            plain, [](Numbers& w, Streams& s, const Numbers& g, int, double rate, double) {
              scalar_optimizers::heavy_ball(w, s[0], g, rate, 0.9);
            }) < bound);
  CHECK(distance_from_textbook<RmsProp, Backend, T>(
            plain, [](Numbers& w, Streams& s, const Numbers& g, int, double rate, double) {
              scalar_optimizers::rmsprop(w, s[0], g, rate, 0.95, 1e-8);
            }) < bound);
  plain.coefficients = {{"beta1", 0.8}, {"epsilon", 1e-6}};
  CHECK(distance_from_textbook<Adam, Backend, T>(
            plain, [](Numbers& w, Streams& s, const Numbers& g, int t, double rate, double) {
              scalar_optimizers::adam(w, s[0], s[1], g, t, rate, 0.8, 0.95, 1e-6, 0.0);
            }) < bound);
  CHECK(distance_from_textbook<AdamW, Backend, T>(
            {}, [](Numbers& w, Streams& s, const Numbers& g, int t, double rate, double decay) {
              scalar_optimizers::adam(w, s[0], s[1], g, t, rate, 0.9, 0.95, 1e-8, decay);
            }) < bound);
}

}  // namespace

TEST_CASE("rules train weights exactly like the textbook loops") {
  SUBCASE("Reference, double") { check_all<Reference, double>(1e-13); }
  SUBCASE("Cpu, double") { check_all<Cpu, double>(1e-13); }
  SUBCASE("Cpu, float") { check_all<Cpu, float>(1e-5); }
}

TEST_CASE("gaps between tensors stay zero") {
  Setting<AdamW, Cpu, float> s;
  const auto before = s.values;
  auto gradient = normal<float>(s.rng, s.table.total());
  s.optimizer.step(s.context, s.values.data(), gradient.data(), 1, 1e-2);
  const auto& last = s.table.entries().back();
  for (Index i = last.offset + last.size; i < s.table.total(); ++i)
    CHECK(s.values[static_cast<std::size_t>(i)] == 0);
  CHECK(s.values != before);
}

TEST_CASE("streams and clock restored, training goes on bit by bit") {
  Setting<AdamW, Cpu, float> a, b;
  const auto first = normal<float>(a.rng, a.table.total());
  const auto second = normal<float>(a.rng, a.table.total());
  a.optimizer.step(a.context, a.values.data(), first.data(), 1, 1e-2);
  b.values = a.values;
  b.optimizer.set_clock(a.optimizer.clock());
  auto from = a.optimizer.streams(), to = b.optimizer.streams();
  REQUIRE(from.size() == 2);
  CHECK(from[0].name == "first_moment");
  for (std::size_t s = 0; s < 2; ++s)
    std::copy(from[s].data, from[s].data + from[s].size, to[s].data);
  a.optimizer.step(a.context, a.values.data(), second.data(), 1, 1e-2);
  b.optimizer.step(b.context, b.values.data(), second.data(), 1, 1e-2);
  CHECK(a.values == b.values);
}

TEST_CASE("coefficients and decays that the rule lacks are refused") {
  const ParameterTable table = table_of_roles();
  const auto message_of = [&](auto&& make) -> std::string {
    try {
      make();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  using Sgd = WeightOptimizer<GradientDescent>::on<Cpu, float>;
  CHECK(message_of([&] { Sgd(table, WeightOptimizerOptions{}); }) ==
        "weight decay = 0.1, expected 0: the optimizer's rule has no decay");
  WeightOptimizerOptions wrong = Sgd::defaults();
  wrong.coefficients = {{"beta", 0.9}};
  CHECK(message_of([&] { Sgd(table, wrong); }) ==
        "coefficient 'beta' is not one of the optimizer's rule");
  using Momentum = WeightOptimizer<HeavyBall>::on<Cpu, float>;
  const auto with = [&](CoefficientSchedules given) {
    WeightOptimizerOptions options = Momentum::defaults();
    options.coefficients = std::move(given);
    return message_of([&] { Momentum(table, options); });
  };
  CHECK(with({{"beta", 1.5}}) == "coefficient 'beta' = 1.5, expected 0 to 1");
  CHECK(with({{"gamma", -1}}) == "coefficient 'gamma' = -1, expected 0 or more");
  CHECK(with({{"beta", 1}, {"gamma", 0}}) == "");
}

TEST_CASE("a schedule that leaves its coefficient's range is refused when it does") {
  const ScheduledCoefficients<HeavyBall> growing(
      CoefficientSchedules{{"beta", CoefficientSchedule::geometric(0.5, 2)}});
  RowArguments<double> a;
  CHECK_NOTHROW(growing.set(a, 1, 0.1));
  CHECK_THROWS_WITH_AS(growing.set(a, 2, 0.1), "coefficient 'beta' = 2, expected 0 to 1", Error);
}

}  // namespace optiform::testing
