// SPDX-License-Identifier: MIT
#include "gradients.hpp"

namespace optiform::testing {
namespace {

template <class R>
using EulerModel =
    LanguageModel<odd_shape,
                  Layer<Euler, ResidualBlock<R, CausalAttention>, ResidualBlock<R, Mlp<Gelu>>>>;

using Nag = TransformerLayer<Nesterov, CausalAttention, Mlp<Gelu>>;
using Tmm = TransformerLayer<TripleMomentum, CausalAttention, Mlp<Gelu>>;
using MlpOnly = Layer<ResidualBlock<HeavyBall, Mlp<Gelu>>, ResidualBlock<HeavyBall, Mlp<Gelu>>>;

}  // namespace

TEST_CASE("gradients under every option of a block") {
  SUBCASE("no velocity norm") {
    check_model_gradients<OddModel<TripleMomentum, DepthOptions{.velocity_norm = Norm::none}>>();
  }
  SUBCASE("RMSNorm") {
    check_model_gradients<OddModel<Adam, DepthOptions{.velocity_norm = Norm::rms_norm}>>();
  }
  SUBCASE("zero velocity start") {
    using Model = OddModel<TripleMomentum, DepthOptions{.start = StreamStart::zeros}>;
    check_model_gradients<Model>();
    CHECK_FALSE(TinyModel<Model, Reference, double>().has("vel_tok_emb.weight"));
  }
  SUBCASE("shared gain") {
    using Model = OddModel<Nesterov, DepthOptions{.shared_gain = true}>;
    check_model_gradients<Model>();
    CHECK(TinyModel<Model, Reference, double>().has("layers.0.ln_v.weight"));
  }
  SUBCASE("read-out") { check_model_gradients<OddModel<WithReadOut<TripleMomentum>>>(); }
}

TEST_CASE("gradients under Euler splitting") {
  SUBCASE("triple momentum") { check_model_gradients<EulerModel<TripleMomentum>>(); }
  SUBCASE("Adam") { check_model_gradients<EulerModel<Adam>>(); }
  SUBCASE("gradient descent") { check_model_gradients<EulerModel<GradientDescent>>(); }
}

TEST_CASE("gradients of hybrids and of layers of one kind") {
  using Hybrid = LanguageModel<odd_shape, Stack<Nag>, Stack<Tmm>>;
  Hybrid::on<Reference, double> model({.vocabulary = 11, .context = 5, .layers = {1, 2}});
  CHECK(model.parameters().find("layers.0.nu_attn_raw") == nullptr);
  CHECK(model.parameters().find("layers.2.nu_attn_raw") != nullptr);
  Buffer<double> values(model.parameters().total()), gradients(values.size());
  model.initialise(values.data(), 4);
  Rng rng(2);
  for (const auto& p : model.parameters().entries())
    for (Index i = 0; i < p.size; ++i) values[p.offset + i] += 0.2 * rng.normal();
  const auto tokens = ids(rng, 10, 11), targets = ids(rng, 10, 11);
  auto workspace = model.workspace(2, 5, Pass::training);
  ReferenceContext context;
  model.loss_and_gradients(context, values.data(), workspace, tokens.data(), targets.data(),
                           gradients.data());
  std::vector<GradientBlock> blocks;
  for (const auto& p : model.parameters().entries())
    blocks.push_back({p.name, values.data() + p.offset, gradients.data() + p.offset, p.size});
  const auto result = check_gradients(
      [&] { return model.loss(context, values.data(), workspace, tokens.data(), targets.data()); },
      blocks, {.step = 1e-3, .coordinates = 6});
  INFO("worst: ", result.worst);
  CHECK(result.error <= 1e-6);

  check_model_gradients<LanguageModel<odd_shape, MlpOnly>>();
  CHECK(TinyModel<LanguageModel<odd_shape, MlpOnly>, Reference, double>().has(
      "layers.1.beta_mlp2_raw"));
}

TEST_CASE("dual numbers through a whole model give an exact Hessian-vector product") {
  using Model = OddModel<TripleMomentum>;
  using Number = Dual<double>;
  TinyModel<Model, Reference, double> real;
  TinyModel<Model, Reference, Number> dual;
  Rng rng(8);
  std::vector<double> direction(static_cast<std::size_t>(real.values.size()), 0.0);
  for (const auto& p : real.model.parameters().entries())
    for (Index i = p.offset; i < p.offset + p.size; ++i)
      direction[static_cast<std::size_t>(i)] = 0.1 * rng.normal();
  const std::vector<double> start(real.values.begin(), real.values.end());
  const auto gradient_at = [&](double h) {
    for (std::size_t i = 0; i < start.size(); ++i)
      real.values[static_cast<Index>(i)] = start[i] + h * direction[i];
    real.loss_and_gradients();
    return std::vector<double>(real.gradients.begin(), real.gradients.end());
  };
  constexpr double h = 1e-5;
  const auto up = gradient_at(h), down = gradient_at(-h);
  for (std::size_t i = 0; i < start.size(); ++i)
    dual.values[static_cast<Index>(i)] = Number(start[i], direction[i]);
  dual.tokens = real.tokens;
  dual.targets = real.targets;
  dual.loss_and_gradients();
  std::vector<double> exact, difference;
  for (std::size_t i = 0; i < start.size(); ++i) {
    exact.push_back(dual.gradients[static_cast<Index>(i)].derivative);
    difference.push_back((up[i] - down[i]) / (2 * h));
  }
  CHECK(relative_error(exact, difference) < 1e-6);
}

}  // namespace optiform::testing
