// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "hybrid_checks.hpp"

using namespace optiform;
using evaluated::Batch;
using evaluated::check_hybrids;

namespace {

TEST_CASE("Inspector: all layers chosen is the model to the bit, none is the plain Transformer") {
  check_hybrids<TripleMomentum, Reference, double>();
  check_hybrids<AdamW, Reference, double>();
}

TEST_CASE("Inspector: past a plain layer streams go unchanged") {
  // A plain layer 0 without oracles leaves state and velocity as the embedding made them, so that
  // the model is its layer 1 alone.
  const Batch b;
  auto trainer = evaluated::trainer<TripleMomentum>(2);
  auto single = evaluated::trainer<TripleMomentum>(1);
  auto* values = static_cast<double*>(trainer->state()[0].data);
  auto* of_single = static_cast<double*>(single->state()[0].data);
  const auto parameter = [&](const std::string& name) -> const ParameterInfo& {
    const auto* found = trainer->parameters().find(name);
    REQUIRE(found != nullptr);
    return *found;
  };
  for (const char* name : {"layers.0.attn.out_proj.weight", "layers.0.mlp.w2.weight"})
    std::fill_n(values + parameter(name).offset, parameter(name).size, 0.0);
  for (const auto& p : single->parameters().entries()) {
    std::string name = p.name;
    if (name.starts_with("layers.0.")) name[7] = '1';
    std::copy_n(values + parameter(name).offset, p.size, of_single + p.offset);
  }
  const auto inspector = trainer->inspector();
  const auto loss = [&](const LayerChoice& chosen) {
    return inspector->loss(evaluated::batch, b.tokens, b.targets, chosen);
  };
  const double alone = single->evaluate(evaluated::batch, b.tokens, b.targets);
  CHECK(loss(LayerChoice(2).add(1, 1)) == doctest::Approx(alone).epsilon(1e-14));
  CHECK(std::fabs(loss(LayerChoice(2).add(0, 1)) - alone) > 1e-6);
}

/// Asks at its stream, whose norm the step takes too: the sums are the same.
struct Averaged : Rule {
  Row z = stream("average of steps");
  Scalar c = unit("c", 0.5), gamma = positive("gamma", 1);
  constexpr Row query() const { return z; }
  constexpr void step(Row g) {
    z += gamma * g;
    x = (1 - c) * x + c * normalise(z);
  }
};

TEST_CASE("Inspector: a workspace for training serves whatever sums a rule shares") {
  using On = evaluated::Model<Averaged>::on<Reference, double>;
  const On model(evaluated::model_options(2));
  Buffer<double> values(model.parameters().total());
  model.initialise(values.data(), 3);
  Rng rng(4);
  for (double& value : values) value += 0.3 * rng.normal();
  On::Context context;
  const Batch b;
  const On::Inspector inspector(model);
  auto training = model.workspace(evaluated::batch, evaluated::length, Pass::training),
       evaluation = model.workspace(evaluated::batch, evaluated::length, Pass::evaluation);
  for (int set = 0; set < 4; ++set) {
    LayerChoice chosen(2);
    for (Index l = 0; l < 2; ++l)
      if ((set >> l & 1) != 0) chosen.add(l, l);
    const auto loss = [&](On::Workspace& workspace) {
      return inspector.loss(context, values.data(), workspace, b.tokens, b.targets, chosen);
    };
    CHECK(loss(training) == loss(evaluation));
  }
}

TEST_CASE("Inspector: coefficients have their names, layers and mapped values") {
  auto trainer = evaluated::trainer<AdamW>(2);
  auto* values = static_cast<double*>(trainer->state()[0].data);
  values[trainer->parameters().find("layers.1.gamma_mlp_raw")->offset] = 0.5;
  values[trainer->parameters().find("layers.0.beta1_attn_raw")->offset] = -1;
  values[trainer->parameters().find("layers.0.lambda_attn_raw")->offset] = -5;
  const auto all = trainer->inspector()->coefficients();
  CHECK(all.size() == 2 * 2 * 4);
  const auto value = [&](Index layer, const std::string& oracle, const std::string& name) {
    for (const auto& c : all)
      if (c.layer == layer && c.oracle == oracle && c.name == name) return c.value;
    return -1.0;
  };
  CHECK(value(1, "mlp", "gamma") == doctest::Approx(std::log1p(std::exp(0.5))));
  CHECK(value(0, "attn", "beta1") == doctest::Approx(1 / (1 + std::exp(1))));
  CHECK(value(0, "attn", "lambda") == doctest::Approx(1 / (1 + std::exp(5))));
}

TEST_CASE("Inspector: layers that do not exist are one sentence") {
  CHECK_THROWS_WITH_AS(LayerChoice(3).add(0, 5),
                       "layers 0 to 5 were chosen; expected numbers from 0 to 2 in rising order",
                       Error);
  CHECK_THROWS_AS(LayerChoice(3).add(2, 1), Error);
  const Batch b;
  auto trainer = evaluated::trainer<TripleMomentum>(2);
  CHECK_THROWS_WITH_AS(
      trainer->inspector()->loss(evaluated::batch, b.tokens, b.targets, LayerChoice(3)),
      "the choice is among 3 layers; expected the model's 2", Error);
}

}  // namespace
