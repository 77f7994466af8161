// SPDX-License-Identifier: MIT
// What a network is before its first step: sizes and angles of the stream, and the loss.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/core/random.hpp>
#include <optiform/cpu/kernels.hpp>
#include <optiform/depth/language_model.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/gradient_descent.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>
#include <optiform/rules/triple_momentum.hpp>

using namespace optiform;

namespace {

template <class Rule>
using Network = typename LanguageModel<
    gpt2_small, TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>>::template on<Cpu, float>;
using Donor = Network<TripleMomentum>;
constexpr Index width = gpt2_small.width, layers = 12;

/// Initial values, drawn once: what two models share starts from the same distribution, and the
/// table of a first moment like that of a velocity.
template <class Model>
Buffer<float> shared(const Model& model, const Donor& donor, const Buffer<float>& drawn) {
  Buffer<float> values(model.parameters().total());
  for (const auto& p : model.parameters().entries()) {
    const std::string name = p.name.starts_with("m_") ? "vel_" + p.name.substr(2) : p.name;
    const auto* same = donor.parameters().find(name);
    if (same == nullptr && p.initialisation.deviation != 0 &&
        !p.name.starts_with(message("layers.", layers, ".")))
      fail("nothing to start '", p.name, "' from");
    for (Index i = 0; i < p.size; ++i)
      values[p.offset + i] =
          same != nullptr ? drawn[same->offset + i] : static_cast<float>(p.initialisation.constant);
  }
  return values;
}

struct Statistics {
  double rms = 0, cosine = 0;
};

/// Size of the state after all layers and its angle with the state before them, for single tokens.
///
/// A further layer, all zeros, is put on top: the state before its first step is the one we want.
/// Every token has a position vector of its own, added to its row of the table: the vector of
/// position 0, shared by all, would move the mean angle by 0.02 from seed to seed.
template <class Rule>
Statistics measure(const Donor& donor, const Buffer<float>& drawn) {
  constexpr Index tokens = 128;
  const Index vocabulary = donor.options().vocabulary;
  const Network<Rule> model({.vocabulary = vocabulary, .context = 1, .layers = {layers + 1}});
  Buffer<float> values = shared(model, donor, drawn);
  Rng rng(5);
  float* rows = values.data() + model.parameters().find("tok_emb.weight")->offset;
  float* position = values.data() + model.parameters().find("pos_emb.weight")->offset;
  for (Index i = 0; i < vocabulary * width; ++i) rows[i] += static_cast<float>(0.02 * rng.normal());
  for (Index i = 0; i < width; ++i) position[i] = 0;

  auto workspace = model.workspace(tokens, 1, Pass::training);
  context_t<Cpu> context;
  std::vector<std::int32_t> ids(tokens);
  for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = static_cast<std::int32_t>(t);
  std::vector<float> logits(static_cast<std::size_t>(tokens * vocabulary));
  model.logits(context, values.data(), workspace, ids.data(), logits.data());
  const auto& step = workspace.layout().step;
  const float* first = workspace.at(step.front().x);
  const float* last = workspace.at(step[2 * layers].x);
  Statistics mean;
  for (Index t = 0; t < tokens; ++t) {
    double of_first = 0, of_last = 0, product = 0;
    for (Index i = t * width; i < (t + 1) * width; ++i) {
      const double a = first[i], b = last[i];
      of_first += a * a;
      of_last += b * b;
      product += a * b;
    }
    mean.rms += std::sqrt(of_last / width) / tokens;
    mean.cosine += product / std::sqrt(of_first * of_last) / tokens;
  }
  return mean;
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("the initial stream: small without a norm on the updates, unit steps with one") {
    const Donor donor({.vocabulary = 128, .context = 1, .layers = {layers}});
    Buffer<float> drawn(donor.parameters().total());
    donor.initialise(drawn.data(), 42);
    const auto check = [](const Statistics& found, double rms, double cosine) {
      INFO("rms ", found.rms, " expected ", rms, "; cosine ", found.cosine, " expected ", cosine);
      CHECK(std::fabs(found.rms / rms - 1) < 0.05);
      CHECK(std::fabs(found.cosine - cosine) < 0.02);
    };
    // Oracle outputs are nearly orthogonal to the stream: the mean cosine is rms(x_0) / rms(x_L),
    // with rms(x_0) = 0.02 sqrt(2); one token alone spreads around it by 0.03. 24 unit steps of
    // momentum, added up with memory, make 23.6.
    check(measure<GradientDescent>(donor, drawn), 0.34, 0.084);
    check(measure<Adam>(donor, drawn), 5.9, 0.02);
    check(measure<HeavyBall>(donor, drawn), 23.6, 0.01);
    check(measure<Nesterov>(donor, drawn), 23.6, 0.01);
    check(measure<TripleMomentum>(donor, drawn), 23.6, 0.01);
  }

  TEST_CASE("the initial loss of GPT-2 small is ln V + d 0.02^2 / 2") {
    const Donor donor({.vocabulary = 50304, .context = 1024, .layers = {layers}});
    Buffer<float> drawn(donor.parameters().total());
    donor.initialise(drawn.data(), 1);
    const auto loss = [](const auto& model, const Buffer<float>& values) {
      constexpr Index positions = 8, targets = 8192;
      const Index vocabulary = model.options().vocabulary;
      auto workspace = model.workspace(1, positions, Pass::evaluation);
      context_t<Cpu> context;
      Rng rng(7);
      const auto any = [&] {
        return static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocabulary)));
      };
      std::vector<std::int32_t> tokens(positions);
      for (auto& id : tokens) id = any();
      std::vector<float> logits(static_cast<std::size_t>(positions * vocabulary));
      model.logits(context, values.data(), workspace, tokens.data(), logits.data());
      double sum = 0;
      for (Index p = 0; p < positions; ++p) {
        const float* row = logits.data() + p * vocabulary;
        double total = 0;
        for (Index i = 0; i < vocabulary; ++i) total += std::exp(static_cast<double>(row[i]));
        for (Index n = 0; n < targets / positions; ++n)
          sum += std::log(total) - static_cast<double>(row[any()]);
      }
      return sum / targets;
    };
    const double expected = std::log(50304.) + 768 * 0.02 * 0.02 / 2;
    CHECK(expected == doctest::Approx(10.98).epsilon(1e-3));
    CHECK(std::fabs(loss(donor, drawn) - expected) < 0.02);
    const Network<GradientDescent> vanilla(
        {.vocabulary = 50304, .context = 1024, .layers = {layers}});
    CHECK(std::fabs(loss(vanilla, shared(vanilla, donor, drawn)) - expected) < 0.02);
  }
}
