// SPDX-License-Identifier: MIT
// What a step computes again has the bits of what it might have kept.
#include <doctest/doctest.h>

#include <vector>

#include <optiform/cpu/kernels.hpp>
#include <optiform/optiform.hpp>

#include "../support/random_data.hpp"

namespace optiform::testing {
namespace {

constexpr ModelShape shape{.width = 24, .heads = 3, .hidden = 20};

/// Loss and gradients of a model that starts away from its initial values.
template <class Model>
std::vector<float> gradients_of(const std::vector<Index>& layers, Recompute recompute,
                                Index* bytes) {
  typename Model::template on<Cpu, float> model(
      {.vocabulary = 37, .context = 19, .layers = layers, .recompute = recompute});
  auto workspace = model.workspace(3, 19, Pass::training);
  *bytes = model.plan(3, 19, Pass::training).bytes();
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  Rng rng(4);
  for (const auto& p : model.parameters().entries())
    for (Index i = 0; i < p.size; ++i)
      values[p.offset + i] = static_cast<float>((p.role == Role::norm) + 0.2 * rng.normal());
  const auto tokens = ids(rng, 3 * 19, 37), targets = ids(rng, 3 * 19, 37);
  context_t<Cpu> context(2);
  std::vector<float> result;
  // The second pass is over fewer tokens: more rows must not be assumed, nor chunks of them.
  for (const Index length : {19, 11}) {
    workspace.resize(3, length);
    result.push_back(static_cast<float>(model.loss_and_gradients(
        context, values.data(), workspace, tokens.data(), targets.data(), gradients.data())));
  }
  result.insert(result.end(), gradients.begin(), gradients.end());
  return result;
}

template <class Model>
void check(const std::vector<Index>& layers) {
  Index all = 0, less = 0, least = 0;
  const auto kept = gradients_of<Model>(layers, Recompute::nothing, &all);
  CHECK(gradients_of<Model>(layers, Recompute::activations, &less) == kept);
  CHECK(gradients_of<Model>(layers, Recompute::layers, &least) == kept);
  CHECK(less < all);
  CHECK(least < less);
}

using Usual = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;

}  // namespace

TEST_CASE("what is computed again has the same bits") {
  SUBCASE("momentum") { check<LanguageModel<shape, Usual>>({4}); }
  SUBCASE("a norm whose query rounds differently from the stored state") {
    check<LanguageModel<shape, TransformerLayer<Nesterov, CausalAttention, GatedMlp<Silu>,
                                                DepthOptions{.velocity_norm = Norm::rms_norm}>>>(
        {5});
  }
  SUBCASE("Euler splitting") {
    check<LanguageModel<shape, Layer<Euler, ResidualBlock<AdamW, CausalAttention>,
                                     ResidualBlock<AdamW, Mlp<ReluSquared>>>>>({4});
  }
  SUBCASE("row operations") {
    check<LanguageModel<shape, TransformerLayer<Soap, CausalAttention, Mlp<Gelu>>>>({4});
  }
  SUBCASE("two stacks, three steps in a layer") {
    using Three = Layer<ResidualBlock<TripleMomentum, Mlp<Gelu>>,
                        ResidualBlock<TripleMomentum, CausalAttention>,
                        ResidualBlock<TripleMomentum, Mlp<Silu>>>;
    check<LanguageModel<shape, Stack<Usual>, Stack<Three>>>({3, 4});
  }
}

TEST_CASE("a single layer can be computed again too") {
  Index bytes = 0;
  using Model = LanguageModel<shape, Usual>;
  CHECK(gradients_of<Model>({1}, Recompute::layers, &bytes) ==
        gradients_of<Model>({1}, Recompute::nothing, &bytes));
}

TEST_CASE("a deep model that computes layers again keeps three rows of a layer") {
  const auto per_layer = [](Recompute recompute) {
    const auto bytes = [&](Index layers) {
      LanguageModel<shape, Usual>::on<Cpu, float> model(
          {.vocabulary = 37, .context = 64, .layers = {layers}, .recompute = recompute});
      return static_cast<double>(model.plan(4, 64, Pass::training).bytes());
    };
    return (bytes(9) - bytes(8)) / (4 * 64 * shape.width * sizeof(float));
  };
  // x, velocity and query of the first step; sums of rows.
  CHECK(per_layer(Recompute::layers) > 3);
  CHECK(per_layer(Recompute::layers) < 3.6);
  CHECK(per_layer(Recompute::nothing) > 12);
}

}  // namespace optiform::testing
