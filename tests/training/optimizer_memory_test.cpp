// SPDX-License-Identifier: MIT
// What an optimizer plans to take is what it takes.
#include <doctest/doctest.h>

#include <optiform/cpu.hpp>
#include <optiform/cpu/orthonormal_basis.hpp>

#include "counted_bytes.hpp"

namespace optiform::testing {
namespace {

using Adam = WeightOptimizer<AdamW>;
template <class Matrices>
using Beside = HybridOptimizer<Matrices, Adam>;

}  // namespace

Choice soap_refreshed_always() {
  Beside<SoapOptimizer>::on<Cpu, float>::Options options;
  options.matrices.interval = 1;
  return Choice::of<Beside<SoapOptimizer>>(options);
}

#if OPTIFORM_COUNTS_BYTES
namespace {

/// The plan of an optimizer for these tensors over the most memory that its first steps take.
double plan_over_use(const Choice& choice, const ParameterTable& table, int threads, int steps) {
  Buffer<float> values(table.total()), gradients(table.total());
  Rng rng(1);
  for (float& g : gradients) g = static_cast<float>(rng.normal());
  Index plan = choice.planned_bytes(table, threads);
  const double most = most_bytes([&] {
    context_t<Cpu> context(threads);
    const auto optimizer = choice.make(table);
    for (int step = 0; step < steps; ++step)
      optimizer->step(context, values.data(), gradients.data(), 1, 1e-3);
    plan += context.scratch_bytes();
  });
  return static_cast<double>(plan) / most;
}

}  // namespace

TEST_CASE("optimizers: the plan is within one percent of the most memory in use") {
  Beside<ShampooOptimizer>::on<Cpu, float>::Options shampoo;
  shampoo.matrices.interval = 1;
  const Choice choices[] = {Choice::of<Adam>(), Choice::of<WeightOptimizer<Nesterov>>(),
                            Choice::of<Beside<MuonOptimizer<>>>(), soap_refreshed_always(),
                            Choice::of<Beside<ShampooOptimizer>>(shampoo)};
  ParameterTable table;
  table.add("tokens", Role::embedding, {100, 96}, {});
  for (int layer = 0; layer < 12; ++layer)
    table.add(message("small.", layer), Role::matrix, {96, 200}, {});
  // The bases of several threads are not all computed at the same moment.
  const auto check = [&](int threads, int steps, double with_bases) {
    for (const Choice& choice : choices) {
      const auto number = &choice - choices;
      CAPTURE(number);
      CAPTURE(threads);
      const double ratio = plan_over_use(choice, table, threads, steps);
      CHECK(ratio > 0.99);
      CHECK(ratio < (number < 3 ? 1.01 : with_bases));
    }
  };
  check(1, 2, 1.01);
  check(3, 2, 1.3);
  table.add("large", Role::matrix, {1000, 900}, {});
  check(3, 1, 1.3);
}
#endif

}  // namespace optiform::testing
