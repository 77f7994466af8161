// SPDX-License-Identifier: MIT
#include "archetypes.hpp"

#include <doctest/doctest.h>

#include <optiform/optiform.hpp>
#include <optiform/rules/print.hpp>

#include "../support/gradient_check.hpp"
#include "../support/tiny_model.hpp"

using namespace optiform;
using namespace optiform::testing;
using namespace archetypes;

namespace {

constexpr ModelShape shape{.width = 6, .heads = 2, .hidden = 5};

static_assert(UpdateRule<SmallestRule>);
static_assert(GradientOracle<SmallestOracle>);

template <class Model, class Backend>
double loss_and_gradients(TinyModel<Model, Backend, double>& tiny,
                          std::vector<GradientBlock>& blocks) {
  const double loss = tiny.loss_and_gradients();
  for (const auto& p : tiny.model.parameters().entries())
    blocks.push_back(
        {p.name, tiny.values.data() + p.offset, tiny.gradients.data() + p.offset, p.size});
  return loss;
}

}  // namespace

TEST_CASE("the smallest rule is gradient descent, in depth with rate 1 and on weights") {
  CHECK(print_rule(recording<SmallestRule>) ==
        "coefficient  gamma, the learning rate; 1 in depth\n"
        "query        x\n"
        "step         x' = x + gamma * g\n");
  using Mine = LanguageModel<shape, TransformerLayer<SmallestRule, CausalAttention, Mlp<Gelu>>>;
  using Library = LanguageModel<shape, TransformerLayer<Vanilla, CausalAttention, Mlp<Gelu>>>;
  TinyModel<Mine, Reference, double> mine;
  TinyModel<Library, Reference, double> library;
  CHECK(mine.loss_and_gradients() == library.loss_and_gradients());

  ParameterTable table;
  table.add("w", Role::matrix, {3}, Initialisation::value(0));
  WeightOptimizerOptions options;
  options.matrix.weight_decay = options.embedding.weight_decay = 0;
  WeightOptimizer<SmallestRule>::on<Reference, double> optimizer(table, options);
  ReferenceContext context;
  double x[16] = {1, 2, 3}, gradient[16] = {0.5, 0.25, -1};
  optimizer.step(context, x, gradient, 1, 2);
  CHECK(x[0] == 0);
  CHECK(x[1] == 1.5);
  CHECK(x[2] == 5);
}

TEST_CASE("the smallest oracle differentiates inside a network of any rule") {
  using Block = ResidualBlock<Nesterov, SmallestOracle>;
  TinyModel<LanguageModel<shape, Layer<Block>>, Reference, double> tiny;
  CHECK(tiny.has("layers.0.scale.factor"));
  CHECK(tiny.has("layers.0.ln_scale.weight"));
  std::vector<GradientBlock> blocks;
  loss_and_gradients(tiny, blocks);
  const auto result = check_gradients(
      [&] {
        return tiny.model.loss(tiny.run, tiny.values.data(), tiny.workspace, tiny.tokens.data(),
                               tiny.targets.data());
      },
      blocks, {.step = 1e-3, .coordinates = 12});
  INFO("worst: ", result.worst);
  CHECK(result.error <= 1e-6);
}

TEST_CASE("a backend that replaces one kernel trains the same network") {
  using Model = LanguageModel<shape, TransformerLayer<Adam, CausalAttention, Mlp<Gelu>>>;
  TinyModel<Model, CountingBackend, double> counted;
  TinyModel<Model, Reference, double> plain;
  kernels<CountingBackend>::products = 0;
  CHECK(counted.loss_and_gradients() == plain.loss_and_gradients());
  for (Index i = 0; i < plain.gradients.size(); ++i)
    REQUIRE(counted.gradients[i] == plain.gradients[i]);
  // Per layer: two products forward and four backward, for attention and for the MLP; three for the
  // head.
  CHECK(kernels<CountingBackend>::products == 2 * 2 * (2 + 4) + 3);
}
