// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/training/chosen_optimizer.hpp>

#include "../support/weights.hpp"

namespace optiform::testing {
namespace {

template <class Optimizer, class T = double>
using Perturbed = Weights<SharpnessAware<Optimizer>, Cpu, T>;

/// Gradients of sum cos, uneven over the elements.
template <class T>
void gradient_at(const ParameterTable& table, const std::vector<T>& x, std::vector<T>& g) {
  std::fill(g.begin(), g.end(), T(0));
  for (const ParameterInfo& p : table.entries())
    for (Index e = p.offset; e < p.offset + p.size; ++e) {
      const auto i = static_cast<std::size_t>(e);
      g[i] = -std::sin(x[i]) * static_cast<T>(1 + e % 5);
    }
}

template <class Run>
void step(Run& w, double rate) {
  gradient_at(w.table, w.values, w.gradients);
  if (w.optimizer.perturbs()) {
    w.optimizer.perturb(w.context, w.values.data(), w.gradients.data());
    gradient_at(w.table, w.values, w.gradients);
    w.optimizer.restore(w.context, w.values.data());
  }
  w.optimizer.step(w.context, w.values.data(), w.gradients.data(), 1, rate);
}

template <class Options>
Options with(double radius, Index from = 0) {
  Options options;
  options.sharpness = {radius, from};
  return options;
}

}  // namespace

TEST_CASE_TEMPLATE("SAM: one global norm uphill, zero gradients, and back to the bit", T, float,
                   double) {
  for (const int threads : {1, 3}) {
    Perturbed<WeightOptimizer<AdamW>, T> w(table_of_all_roles(), {}, threads);
    gradient_at(w.table, w.values, w.gradients);
    const auto start = w.values, g = w.gradients;
    const double norm = std::sqrt(inner(g, g));
    REQUIRE(w.optimizer.perturbs());
    w.optimizer.perturb(w.context, w.values.data(), w.gradients.data());
    double moved = 0, worst = 0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      const double way = static_cast<double>(w.values[i]) - static_cast<double>(start[i]);
      moved += way * way;
      worst = std::fmax(worst, std::fabs(way - 0.05 * static_cast<double>(g[i]) / norm));
    }
    CHECK(std::sqrt(moved) == doctest::Approx(0.05).epsilon(1e-3));
    CHECK(worst < (std::is_same_v<T, float> ? 1e-6 : 1e-15));
    CHECK(inner(w.gradients, w.gradients) == 0);
    w.optimizer.restore(w.context, w.values.data());
    CHECK(w.values == start);
  }
}

TEST_CASE("SAM steps along the gradient of the perturbed point, for any optimizer inside") {
  using Options = Perturbed<WeightOptimizer<HeavyBall>>::On::Options;
  Perturbed<WeightOptimizer<HeavyBall>> w(table_of_all_roles(), with<Options>(0.3));
  Weights<WeightOptimizer<HeavyBall>, Cpu, double> plain(table_of_all_roles());
  std::vector<double> g(w.values.size());
  for (int t = 0; t < 5; ++t) {
    step(w, 0.01);
    gradient_at(plain.table, plain.values, g);
    const double norm = std::sqrt(inner(g, g)) + 1e-12;
    auto uphill = plain.values;
    for (std::size_t i = 0; i < g.size(); ++i) uphill[i] += 0.3 / norm * g[i];
    gradient_at(plain.table, uphill, plain.gradients);
    plain.optimizer.step(plain.context, plain.values.data(), plain.gradients.data(), 1, 0.01);
  }
  CHECK(relative_error(w.values, plain.values) < 1e-14);
}

TEST_CASE("SAM before its first update, and with a radius of zero, is the optimizer itself") {
  using Options = Perturbed<WeightOptimizer<AdamW>>::On::Options;
  Weights<WeightOptimizer<AdamW>, Cpu, double> plain(table_of_all_roles());
  Perturbed<WeightOptimizer<AdamW>> off(table_of_all_roles(), with<Options>(0)),
      late(table_of_all_roles(), with<Options>(0.05, 3));
  for (int t = 0; t < 3; ++t) {
    CHECK(!late.optimizer.perturbs());
    step(off, 0.01), step(late, 0.01);
    gradient_at(plain.table, plain.values, plain.gradients);
    plain.optimizer.step(plain.context, plain.values.data(), plain.gradients.data(), 1, 0.01);
  }
  CHECK(off.values == plain.values);
  CHECK(late.values == plain.values);
  CHECK(late.optimizer.perturbs());
  step(off, 0.01), step(late, 0.01);
  CHECK(off.values != late.values);
  CHECK(Perturbed<WeightOptimizer<AdamW>>::On::planned_bytes(plain.table, with<Options>(0), 2) ==
        2 * 8 * plain.table.total());
  CHECK(Perturbed<WeightOptimizer<AdamW>>::On::planned_bytes(plain.table, with<Options>(1), 2) ==
        3 * 8 * plain.table.total());
}

TEST_CASE("SAWD takes its first update from the schedule") {
  Schedule schedule{.decay = Decay::wsd, .steps = 100, .decay_from = 83};
  CHECK(Sharpness::in_decay(schedule).from == 83);
  CHECK(Sharpness::in_decay(schedule).radius == 0.05);
  schedule.decay = Decay::cosine;
  CHECK(message_of([&] { Sharpness::in_decay(schedule); }) ==
        "sharpness is looked for in the decay of a schedule that is not wsd");
  using Options = Perturbed<WeightOptimizer<AdamW>>::On::Options;
  CHECK(message_of([] {
          Perturbed<WeightOptimizer<AdamW>>(table_of_all_roles(), with<Options>(-0.1));
        }) == "radius of the perturbation is -0.1; expected a number of 0 or more");
}

TEST_CASE("an optimizer chosen at run time is the optimizer, inside SAM too") {
  using Chosen = OptimizerChoice<Cpu, double>;
  Weights<ChosenOptimizer, Cpu, double> chosen(table_of_all_roles(),
                                               Chosen::of<WeightOptimizer<Nesterov>>());
  Weights<WeightOptimizer<Nesterov>, Cpu, double> plain(table_of_all_roles());
  for (std::uint64_t s = 0; s < 3; ++s) chosen.random_step(s, 0.01), plain.random_step(s, 0.01);
  CHECK(chosen.values == plain.values);
  CHECK(chosen.optimizer.clock() == 3);
  CHECK(chosen.optimizer.streams().size() == 2);
  auto a = chosen.values, b = a;
  chosen.optimizer.read_out(chosen.context, chosen.values.data(), a.data());
  plain.optimizer.read_out(plain.context, plain.values.data(), b.data());
  CHECK(a == b);
  CHECK(a != chosen.values);
  CHECK(Weights<ChosenOptimizer, Cpu, double>::On::planned_bytes(
            plain.table, Chosen::of<WeightOptimizer<Nesterov>>(), 2) ==
        decltype(plain)::On::planned_bytes(plain.table, {}, 2));
  Perturbed<ChosenOptimizer>::On::Options options{Chosen::of<WeightOptimizer<AdamW>>(), {0.1}};
  Perturbed<ChosenOptimizer> erased(table_of_all_roles(), options);
  Perturbed<WeightOptimizer<AdamW>> direct(
      table_of_all_roles(), with<Perturbed<WeightOptimizer<AdamW>>::On::Options>(0.1));
  for (int t = 0; t < 3; ++t) step(erased, 0.01), step(direct, 0.01);
  CHECK(erased.values == direct.values);
  CHECK(message_of([] { Weights<ChosenOptimizer, Cpu, double>{table_of_all_roles()}; }) ==
        "no optimizer was chosen; expected OptimizerChoice<...>::of<...>()");
}

}  // namespace optiform::testing
