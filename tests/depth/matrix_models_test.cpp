// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/cpu.hpp>

#include "matrix_networks.hpp"

namespace optiform::testing {

TEST_CASE("layers of matrix rules meet other rules with the same streams") {
  using Model =
      LanguageModel<matrix_shape, Stack<MatrixLayer<Ortho>>, Stack<MatrixLayer<GradientDescent>>>;
  typename Model::on<Cpu, float> model({.vocabulary = 11, .context = 5, .layers = {1, 2}});
  CHECK(model.parameters().find("layers.0.gamma_attn_raw") != nullptr);
  CHECK(model.parameters().find("layers.1.gamma_attn_raw") == nullptr);
  Buffer<float> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 4);
  auto workspace = model.workspace(2, 5, Pass::training);
  Rng rng(2);
  const auto tokens = ids(rng, 10, 11), targets = ids(rng, 10, 11);
  context_t<Cpu> context(2);
  const double loss = model.loss_and_gradients(context, values.data(), workspace, tokens.data(),
                                               targets.data(), gradients.data());
  CHECK(loss == doctest::Approx(std::log(11)).epsilon(0.05));
  for (const float g : gradients) CHECK(std::isfinite(g));
}

TEST_CASE("covariances are planned by their packed size") {
  const auto bytes = []<class R>(std::type_identity<R>, Index batch) {
    typename MatrixNetwork<R>::template on<Cpu, float> model(
        {.vocabulary = 37, .context = 64, .layers = {2}});
    const auto plan = model.plan(batch, 64, Pass::training);
    const Index most = plan.bytes();
    CHECK(model.largest_batch(most, 64, Pass::training) == batch);
    Index streams = 0;
    for (const auto& entry : plan.entries())
      if (entry.name.find("stream") != std::string::npos) streams += entry.bytes;
    return streams;
  };
  // Four states and a gradient, of 6 (6 + 1) / 2 numbers per token each.
  CHECK(bytes(std::type_identity<Shampoo>{}, 3) == 5 * 21 * 3 * 64 * 4);
  CHECK(bytes(std::type_identity<Soap>{}, 3) == 5 * (21 + 18) * 3 * 64 * 4);
}

}  // namespace optiform::testing
