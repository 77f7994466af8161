// SPDX-License-Identifier: MIT
// Measurements draw the crops that their protocols ask for: each is what one gets from crops drawn
// by hand.
#include <doctest/doctest.h>

#include <algorithm>

#include <optiform/training/evaluation/curvature.hpp>
#include <optiform/training/evaluation/inspection.hpp>
#include <optiform/training/evaluation/layer_spectra.hpp>

#include "evaluation_model.hpp"

using namespace optiform;

namespace {

using Exact = ExactModel<evaluated::Model<TripleMomentum>>::on<Reference>;

struct Measured {
  std::vector<std::int32_t> text = evaluated::text();
  std::unique_ptr<evaluated::TrainerOn<TripleMomentum, Reference, double>> trainer =
      evaluated::trainer<TripleMomentum>(2);
  const TrainerOptions& sizes = trainer->options();

  TokenBatches crops(Index count, std::uint64_t seed) const {
    return {RandomCrops(text, evaluated::length, seed, "test"), count, evaluated::batch};
  }
  std::unique_ptr<Exact> exact() {
    auto made = std::make_unique<Exact>(evaluated::model_options(2));
    made->assign(*trainer);
    return made;
  }
};

void check_equal(const Curvature& a, const Curvature& b) {
  CHECK(a.top.value == b.top.value);
  CHECK(a.trace.mean == b.trace.mean);
  CHECK(a.parameters == b.parameters);
}

TEST_CASE("Sharpness: crops are the protocol's, by differences and exactly") {
  Measured m;
  const CurvatureProtocol protocol{.batches = 3, .iterations = 4, .probes = 2, .seed = 8};
  const auto state = m.trainer->state()[0];
  const auto* values = static_cast<const double*>(state.data);
  const std::vector<double> before(values, values + state.size);
  const TokenBatches crops = m.crops(3, 8);
  const Curvature differences = measure_curvature(*m.trainer, m.text, protocol);
  CHECK(std::equal(before.begin(), before.end(), values));
  check_equal(differences, measure_curvature(m.trainer->parameters(),
                                             DifferenceHessian(*m.trainer, crops), protocol));

  const auto exact = m.exact();
  const Curvature exactly = measure_curvature(*exact, m.sizes, m.text, protocol);
  check_equal(exactly, measure_curvature(exact->parameters(), exact->hessian(crops), protocol));
  CHECK(differences.top.value == doctest::Approx(exactly.top.value).epsilon(1e-6));
  CHECK(differences.trace.mean == doctest::Approx(exactly.trace.mean).epsilon(1e-6));

  auto more = protocol;
  more.batches = 4;
  CHECK(measure_curvature(*exact, m.sizes, m.text, more).top.value != exactly.top.value);
  auto rough = protocol;
  rough.step = 1e-3;
  CHECK(measure_curvature(*m.trainer, m.text, rough).top.value != differences.top.value);
}

TEST_CASE("Spectra: those of every layer at the states of every batch") {
  Measured m;
  const auto exact = m.exact();
  const SpectrumProtocol protocol{
      .batches = 2, .power_iterations = 5, .rank = 4, .oversampling = 2, .seed = 6};
  const ModelSpectra spectra =
      measure_spectra(*exact, m.sizes, m.text, LayerPart::oracle, protocol);
  REQUIRE(spectra.layers.size() == 2);
  const TokenBatches crops = m.crops(2, 6);
  std::size_t batch = 0;
  double condition[2] = {}, least = 0;
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    exact->run(evaluated::batch, evaluated::length, tokens);
    for (Index layer = 0; layer < 2; ++layer) {
      exact->select(layer, LayerPart::oracle);
      const Spectrum expected = measure_spectrum(*exact, protocol);
      const LayerSpectra& of = spectra.layers[static_cast<std::size_t>(layer)];
      CHECK(of.layer == layer);
      REQUIRE(of.batches.size() == 2);
      CHECK(of.batches[batch].largest == expected.largest);
      CHECK(of.batches[batch].singular_values == expected.singular_values);
      condition[layer] += expected.condition() / 2;
      least += std::log(expected.singular_values[3]) / 2;
    }
    ++batch;
  });
  for (std::size_t layer = 0; layer < 2; ++layer) {
    const LayerSpectra& of = spectra.layers[layer];
    CHECK(of.batches[0].largest != of.batches[1].largest);
    CHECK(of.largest() == (of.batches[0].largest + of.batches[1].largest) / 2);
    CHECK(of.stable_rank() == (of.batches[0].stable_rank() + of.batches[1].stable_rank()) / 2);
    CHECK(of.condition() == doctest::Approx(condition[layer]).epsilon(1e-14));
  }
  CHECK(spectra.mean_condition() == doctest::Approx((condition[0] + condition[1]) / 2));
  CHECK(spectra.largest_condition() == doctest::Approx(std::max(condition[0], condition[1])));
  CHECK(spectra.mean_stable_rank() ==
        doctest::Approx((spectra.layers[0].stable_rank() + spectra.layers[1].stable_rank()) / 2));
  CHECK(spectra.sum_log_least() == doctest::Approx(least).epsilon(1e-12));
}

TEST_CASE("attention entropy: the mean of every head over the protocol's crops") {
  Measured m;
  const auto entropy = measure_attention_entropy(*m.trainer, m.text, {.batches = 3, .seed = 4});
  REQUIRE(entropy.layers.size() == 2);
  const TokenBatches crops = m.crops(3, 4);
  const auto inspector = m.trainer->inspector();
  double heads[2][2] = {}, mean = 0;
  crops.each([&](const std::int32_t* tokens, const std::int32_t*) {
    const auto one = inspector->attention_entropy(evaluated::batch, tokens);
    for (std::size_t l = 0; l < 2; ++l)
      for (std::size_t h = 0; h < 2; ++h) heads[l][h] += one[l].heads[h] / 3;
  });
  for (std::size_t l = 0; l < 2; ++l) {
    CHECK(entropy.layers[l].layer == static_cast<Index>(l));
    REQUIRE(entropy.layers[l].heads.size() == 2);
    for (std::size_t h = 0; h < 2; ++h) {
      CHECK(entropy.layers[l].heads[h] == doctest::Approx(heads[l][h]).epsilon(1e-14));
      mean += heads[l][h] / 4;
    }
  }
  CHECK(entropy.mean() == doctest::Approx(mean).epsilon(1e-14));
  CHECK(entropy.if_even() == doctest::Approx(std::lgamma(evaluated::length + 1.0) /
                                             static_cast<double>(evaluated::length)));
  CHECK(entropy.mean() < entropy.if_even());
}

TEST_CASE("hybrid: the perplexity of the model of chosen layers, on the same crops") {
  Measured m;
  const PerplexityProtocol protocol{.batches = 3, .seed = 4};
  const Perplexity own = measure_perplexity(*m.trainer, m.text, "test", protocol);
  const Perplexity all = measure_hybrid(*m.trainer, m.text, LayerChoice(2).add(0, 1), protocol);
  CHECK(all.loss == own.loss);
  CHECK(all.standard_error == own.standard_error);
  CHECK(all.tokens == own.tokens);
  const auto inspector = m.trainer->inspector();
  const LayerChoice second = LayerChoice(2).add(1, 1);
  double loss = 0;
  m.crops(3, 4).each([&](const std::int32_t* tokens, const std::int32_t* targets) {
    loss += inspector->loss(evaluated::batch, tokens, targets, second) / 3;
  });
  const Perplexity part = measure_hybrid(*m.trainer, m.text, second, protocol);
  CHECK(part.loss == doctest::Approx(loss).epsilon(1e-14));
  CHECK(part.loss != own.loss);
  CHECK_THROWS_WITH_AS(measure_hybrid(*m.trainer, m.text, LayerChoice(3)),
                       "the choice is among 3 layers; expected the model's 2", Error);
}

TEST_CASE("measurements: a text too short, and no batches, are one sentence each") {
  Measured m;
  const auto exact = m.exact();
  const std::vector<std::int32_t> little(5, 1);
  const char* const text = "sequence length 5 needs a measured text of at least 6 tokens; it has 5";
  CHECK_THROWS_WITH_AS(measure_curvature(*m.trainer, little), text, Error);
  CHECK_THROWS_WITH_AS(measure_curvature(*exact, m.sizes, little), text, Error);
  CHECK_THROWS_WITH_AS(measure_spectra(*exact, m.sizes, little, LayerPart::block), text, Error);
  CHECK_THROWS_WITH_AS(measure_attention_entropy(*m.trainer, little), text, Error);
  CHECK_THROWS_WITH_AS(measure_hybrid(*m.trainer, little, LayerChoice(2)), text, Error);
  const char* const none = "batches is 0; expected at least 1";
  CHECK_THROWS_WITH_AS(measure_curvature(*m.trainer, m.text, {.batches = 0}), none, Error);
  CHECK_THROWS_WITH_AS(measure_attention_entropy(*m.trainer, m.text, {.batches = 0}), none, Error);
  CHECK_THROWS_WITH_AS(measure_spectra(*exact, m.sizes, m.text, LayerPart::block, {.batches = 0}),
                       none, Error);
  CHECK_THROWS_WITH_AS(measure_curvature(*m.trainer, m.text, {.step = -1}),
                       "difference step is -1; expected 0 (by precision) or more", Error);
}

}  // namespace
