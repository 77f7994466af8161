// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>

#include <optiform/cpu.hpp>

#include "../support/fixture.hpp"
#include "../support/random_data.hpp"

namespace optiform::testing {
namespace {

struct Shape {
  const char* name;
  Index rows, columns;
};
constexpr Shape shapes[] = {{"tall", 9, 4}, {"wide", 5, 11}, {"square", 7, 7}};

/// Where the fixture's gradients lead each of its matrices.
template <class Backend, class T>
std::vector<std::vector<double>> trained(const Fixture& fixture) {
  ParameterTable table;
  for (const Shape& s : shapes) table.add(s.name, Role::matrix, {s.rows, s.columns}, {});
  typename MuonOptimizer<>::template on<Backend, T> optimizer(
      table, {.weight_decay = fixture.real("weight_decay"),
              .momentum = fixture.real("momentum"),
              .epsilon = fixture.real("epsilon")});
  std::vector<T> values(static_cast<std::size_t>(table.total())), gradients(values.size());
  std::vector<std::vector<T>> all;
  for (const ParameterInfo& p : table.entries()) {
    const auto start = fixture.read<T>(p.name + ".start");
    std::copy(start.begin(), start.end(), values.begin() + p.offset);
    all.push_back(fixture.read<T>(p.name + ".gradients"));
  }
  context_t<Backend> context(2);
  for (Index step = 0; step < fixture.integer("steps"); ++step) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const ParameterInfo& p = table.entries()[i];
      std::copy_n(all[i].begin() + step * p.size, p.size, gradients.begin() + p.offset);
    }
    optimizer.step(context, values.data(), gradients.data(), 1, fixture.real("learning_rate"));
  }
  std::vector<std::vector<double>> result;
  for (const ParameterInfo& p : table.entries())
    result.emplace_back(values.begin() + p.offset, values.begin() + p.offset + p.size);
  return result;
}

/// The largest ||error|| / ||way from the start|| of a backend's results.
template <class Backend, class T>
double distance(const Fixture& fixture, const std::string& expected) {
  const auto results = trained<Backend, T>(fixture);
  double worst = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string name = shapes[i].name;
    const auto start = fixture.read(name + ".start");
    auto way = results[i], wanted = fixture.read(name + "." + expected);
    for (std::size_t e = 0; e < start.size(); ++e) way[e] -= start[e], wanted[e] -= start[e];
    worst = std::max(worst, relative_error(way, wanted));
  }
  return worst;
}

}  // namespace

TEST_CASE("twenty steps of Muon equal those computed in double") {
  const Fixture fixture("muon");
  CHECK(distance<Reference, double>(fixture, "float64") < 1e-12);
  CHECK(distance<Cpu, double>(fixture, "float64") < 1e-12);
  CHECK(distance<Cpu, float>(fixture, "float64") < 1e-5);
}

TEST_CASE("twenty steps of Muon equal torch.optim.Muon's within its bfloat16 iteration") {
  const Fixture fixture("muon");
  CHECK(distance<Cpu, float>(fixture, "torch") < 1.5e-2);
  CHECK(distance<Cpu, float>(fixture, "torch") > 1e-4);  // it does iterate in bfloat16
}

TEST_CASE("the direction of Muon is the orthogonalised momentum") {
  const Fixture fixture("muon");
  for (const Shape& s : shapes) {
    const auto gradients = fixture.read(std::string(s.name) + ".gradients");
    const auto expected = fixture.read(std::string(s.name) + ".directions");
    const std::size_t size = expected.size(), steps = gradients.size() / size;
    std::vector<double> m(size), u(size), out(size),
        workspace(static_cast<std::size_t>(orthogonalise_workspace(s.rows, s.columns)));
    for (std::size_t step = 0; step < steps; ++step)
      for (std::size_t e = 0; e < size; ++e) {
        const double g = gradients[step * size + e];
        m[e] += 0.05 * (g - m[e]);
        u[e] = g + 0.95 * (m[e] - g);
      }
    context_t<Cpu> context(1);
    orthogonalise<QuinticNewtonSchulz, Cpu>(context, s.rows, s.columns, 1e-7, u.data(),
                                            workspace.data(), 1, 0, out.data());
    CHECK(relative_error(out, expected) < 1e-12);
  }
}

}  // namespace optiform::testing
