// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <optiform/cpu.hpp>

#include "../support/random_data.hpp"

namespace optiform::testing {
namespace {

using Hybrid = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;

/// Small matrices that threads share out, one whose products are threaded, and all other roles.
ParameterTable layers_of_roles() {
  ParameterTable table;
  table.add("tokens", Role::embedding, {31, 16}, {});
  for (int layer = 0; layer < 3; ++layer) {
    table.add(message("wide", layer), Role::matrix, {16, 48}, {});
    table.add(message("norm", layer), Role::norm, {16}, {});
    table.add(message("tall", layer), Role::matrix, {40, 16}, {});
    table.add(message("scalar", layer), Role::scalar, {}, {});
  }
  table.add("head", Role::head, {16, 31}, {});
  return table;
}

template <class Optimizer>
struct HybridRun {
  using Chosen = typename Optimizer::template on<Cpu, float>;
  ParameterTable table;
  Chosen optimizer;
  context_t<Cpu> context;
  std::vector<float> values;

  explicit HybridRun(int threads = 1, typename Chosen::Options options = {},
                     ParameterTable of = layers_of_roles())
      : table(std::move(of)), optimizer(table, std::move(options)), context(threads) {
    Rng rng(1);
    values = normal<float>(rng, table.total());
  }
  void step(std::uint64_t number, double rate = 6e-4) {
    Rng rng(100 + number);
    auto gradients = normal<float>(rng, table.total());
    optimizer.step(context, values.data(), gradients.data(), 0.5, rate);
  }
};

std::string message_of(const MuonOptions& options, ParameterTable table = layers_of_roles()) {
  try {
    MuonOptimizer<>::on<Cpu, float> optimizer(table, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the hybrid is Muon on the matrices and AdamW on the rest, each at its own rate") {
  HybridRun<Hybrid> hybrid;
  HybridRun<MuonOptimizer<>> muon(1, {.learning_rate_factor = 0.02 / 6e-4});
  WeightOptimizerOptions of_adam;
  of_adam.scalar.learning_rate_factor = 5;
  HybridRun<WeightOptimizer<AdamW>> adam(1, of_adam);
  const auto start = hybrid.values;
  for (std::uint64_t s = 0; s < 5; ++s) hybrid.step(s), muon.step(s), adam.step(s);
  for (const ParameterInfo& p : hybrid.table.entries()) {
    INFO(p.name);
    const auto& alone = p.role == Role::matrix ? muon.values : adam.values;
    bool equal = true, moved = false;
    for (Index i = p.offset; i < p.offset + p.size; ++i) {
      const auto at = static_cast<std::size_t>(i);
      equal = equal && hybrid.values[at] == alone[at];
      moved = moved || hybrid.values[at] != start[at];
    }
    CHECK(equal);
    CHECK(moved);
  }
}

TEST_CASE("streams are kept only for the tensors that need them") {
  HybridRun<Hybrid> hybrid;
  Index matrices = 0, others = 0;
  for (const ParameterInfo& p : hybrid.table.entries())
    (p.role == Role::matrix ? matrices : others) += (p.size + 15) / 16 * 16;
  const auto streams = hybrid.optimizer.streams();
  REQUIRE(streams.size() == 3);
  CHECK(streams[0].name == "first_moment");
  CHECK(streams[0].size == others);
  CHECK(streams[1].size == others);
  CHECK(streams[2].name == "momentum");
  CHECK(streams[2].size == matrices);
}

TEST_CASE("one optimizer for everything is a run-time choice with the same bits") {
  HybridRun<Hybrid> hybrid(1, WeightOptimizerOptions{});
  HybridRun<WeightOptimizer<AdamW>> adam;
  for (std::uint64_t s = 0; s < 3; ++s) hybrid.step(s), adam.step(s);
  CHECK(hybrid.values == adam.values);
  REQUIRE(hybrid.optimizer.streams().size() == 2);
  CHECK(hybrid.optimizer.streams()[0].size == hybrid.table.total());
  CHECK(Hybrid::on<Cpu, float>::planned_bytes(hybrid.table, WeightOptimizerOptions{}, 3) ==
        2 * 4 * hybrid.table.total());
}

TEST_CASE("the hybrid has the same bits on one, two and three threads, large matrices too") {
  const auto table = [] {
    ParameterTable t = layers_of_roles();
    t.add("large", Role::matrix, {800, 700}, {});
    return t;
  };
  std::vector<float> first;
  for (const int threads : {1, 2, 3}) {
    HybridRun<Hybrid> run(threads, {}, table());
    for (std::uint64_t s = 0; s < 2; ++s) run.step(s);
    if (threads == 1) first = run.values;
    CHECK(run.values == first);
  }
}

TEST_CASE("a step that clears is the same step, and leaves zeros") {
  HybridRun<Hybrid> a, b;
  Rng rng(2);
  auto gradients = normal<float>(rng, a.table.total());
  for (int s = 0; s < 3; ++s) {
    auto copy = gradients;
    a.optimizer.step(a.context, a.values.data(), gradients.data(), 1, 1e-3);
    b.optimizer.step_and_clear(b.context, b.values.data(), copy.data(), 1, 1e-3);
    for (const ParameterInfo& p : a.table.entries())
      for (Index i = p.offset; i < p.offset + p.size; ++i)
        CHECK(copy[static_cast<std::size_t>(i)] == 0);
  }
  CHECK(a.values == b.values);
}

TEST_CASE("streams and clock restored, the hybrid goes on bit by bit") {
  HybridRun<Hybrid> a, b(2);
  for (std::uint64_t s = 0; s < 4; ++s) a.step(s);
  b.values = a.values;
  b.optimizer.set_clock(a.optimizer.clock());
  const auto from = a.optimizer.streams(), to = b.optimizer.streams();
  REQUIRE(from.size() == to.size());
  for (std::size_t i = 0; i < from.size(); ++i)
    std::copy(from[i].data, from[i].data + from[i].size, to[i].data);
  a.step(9), b.step(9);
  CHECK(a.values == b.values);
  CHECK(a.optimizer.clock() == b.optimizer.clock());
}

TEST_CASE("Muon refuses impossible numbers, and what is no matrix, in one sentence") {
  CHECK(message_of({}) == "");
  CHECK(message_of({.learning_rate_factor = -1}) ==
        "Muon: learning rate factor is -1; expected a number of 0 or more");
  CHECK(message_of({.weight_decay = -0.1}) ==
        "Muon: weight decay is -0.1; expected a number of 0 or more");
  CHECK(message_of({.momentum = 1}) == "Muon: momentum is 1; expected 0 to below 1");
  CHECK(message_of({.momentum = NAN}) == "Muon: momentum is nan; expected 0 to below 1");
  CHECK(message_of({.epsilon = 0}) == "Muon: epsilon is 0; expected a positive number");
  ParameterTable table;
  table.add("bias", Role::matrix, {3}, {});
  CHECK(message_of({}, std::move(table)) ==
        "Muon: parameter 'bias' has 1 dimensions; expected a matrix");
  WeightOptimizerOptions negative;
  negative.embedding.learning_rate_factor = -2;
  CHECK_THROWS_WITH_AS(HybridRun<Hybrid>(1, negative),
                       "learning rate factor is -2; expected a number of 0 or more", Error);
  using WithoutDecay = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<Adam>>;
  WithoutDecay::on<Cpu, float>::Options decays;
  decays.others.embedding.weight_decay = 0.1;
  CHECK_THROWS_WITH_AS(HybridRun<WithoutDecay>(1, decays),
                       "weight decay = 0.1, expected 0: the optimizer's rule has no decay", Error);
}

}  // namespace optiform::testing
