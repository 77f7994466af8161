// SPDX-License-Identifier: MIT
// What docs/write_your_own_rule.md promises of its rule.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <string>

#include <optiform/cpu.hpp>
#include <optiform/rules/print.hpp>

#include "../../examples/custom_rule/look_ahead_soft_lion.hpp"
#include "../support/gradient_check.hpp"
#include "../support/tiny_model.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

constexpr ModelShape shape{.width = 15, .heads = 3, .hidden = 7};
template <class R>
using Network = LanguageModel<shape, Stack<TransformerLayer<R, CausalAttention, Mlp<Gelu>>>>;

}  // namespace

// [gradients]
TEST_CASE("the derivative of a rule that a user wrote agrees with central differences") {
  TinyModel<Network<LookAheadSoftLion>, Reference, double> tiny;
  tiny.loss_and_gradients();
  std::vector<GradientBlock> blocks;
  for (const auto& p : tiny.model.parameters().entries())
    blocks.push_back(
        {p.name, tiny.values.data() + p.offset, tiny.gradients.data() + p.offset, p.size});
  const auto loss = [&] {
    return tiny.model.loss(tiny.run, tiny.values.data(), tiny.workspace, tiny.tokens.data(),
                           tiny.targets.data());
  };
  // The smooth sign turns within 1e-3: the step must be small against that.
  const auto result = check_gradients(loss, blocks, {.step = 2e-5, .coordinates = 10});
  INFO("worst: ", result.worst);
  CHECK(result.error <= 1e-6);
}
// [gradients]

TEST_CASE("a user's rule that trains weights is its own scalar loop") {
  ParameterTable table;
  table.add("w", Role::matrix, {5, 7}, Initialisation::normal(1));
  WeightOptimizerOptions options;
  options.matrix.weight_decay = options.embedding.weight_decay = 0;
  options.coefficients = {{"beta1", 0.8}, {"beta2", 0.9}};
  WeightOptimizer<SoftLion>::on<Cpu, double> optimizer(table, options);
  context_t<Cpu> context(1);
  Buffer<double> x(table.total()), g(table.total());
  std::vector<double> y(35), m(35);
  Rng rng(1);
  for (std::size_t i = 0; i < 35; ++i) y[i] = x[static_cast<Index>(i)] = rng.normal();
  for (int step = 0; step < 20; ++step) {
    for (std::size_t i = 0; i < 35; ++i) {
      g[static_cast<Index>(i)] = std::sin(y[i] + step);
      const double down = -std::sin(y[i] + step);
      const double u = 0.8 * m[i] + (1 - 0.8) * down;
      m[i] = 0.9 * m[i] + (1 - 0.9) * down;
      y[i] += 0.1 * u / std::sqrt(u * u + 1e-6);
    }
    optimizer.step(context, x.data(), g.data(), 1, 0.1);
    double worst = 0;
    for (std::size_t i = 0; i < 35; ++i)
      worst = std::fmax(worst, std::fabs(x[static_cast<Index>(i)] - y[i]));
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("the page on rules shows what its rule prints") {
  std::ifstream file(OPTIFORM_SOURCE_DIR "/docs/write_your_own_rule.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  CHECK(page.find("```\n" + print_rule(recording<LookAheadSoftLion>) + "```\n") !=
        std::string::npos);
}
