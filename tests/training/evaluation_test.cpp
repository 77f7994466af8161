// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <limits>

#include <optiform/training/evaluation/forgetting.hpp>
#include <optiform/training/evaluation/loss_slice.hpp>

#include "bigram_model.hpp"

using namespace optiform;

namespace {

std::unique_ptr<fake::BigramTrainer<>> trainer(TrainerOptions options) {
  auto made = std::make_unique<fake::BigramTrainer<>>(fake::Options{.vocabulary = 4, .context = 8},
                                                      WeightOptimizerOptions{}, options);
  made->allocate(Purpose::training);
  return made;
}

/// 0 1 2 3 0 1 2 3 ..., or its reverse.
std::vector<std::int32_t> cycle(std::int32_t step, std::size_t size = 300) {
  std::vector<std::int32_t> text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<std::int32_t>(i) * step & 3);
  return text;
}

TEST_CASE("RandomCrops: the same for every batch size, other ones for another seed") {
  std::vector<std::int32_t> text(1000);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::int32_t>(i);
  const RandomCrops crops(text, 6, 5, "test"), others(text, 6, 6, "test");
  std::vector<std::int32_t> all(60), targets(60), one(6), next(6), other(60);
  crops.fill(0, 10, all.data(), targets.data());
  others.fill(0, 10, other.data(), targets.data());
  CHECK(all != other);
  crops.fill(0, 10, all.data(), targets.data());
  for (Index n = 0; n < 10; ++n) {
    crops.fill(n, 1, one.data(), next.data());
    CHECK(std::equal(one.begin(), one.end(), all.begin() + 6 * n));
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(next[i] == one[i] + 1);
      CHECK(one[i] == one[0] + static_cast<std::int32_t>(i));
    }
  }
  // The shortest text has one crop; the last crop of a text is among those that are drawn.
  const std::vector<std::int32_t> shortest(text.begin(), text.begin() + 7);
  RandomCrops(shortest, 6, 0, "test").fill(0, 1, one.data(), next.data());
  CHECK(one[0] == 0);
  const std::vector<std::int32_t> longer(text.begin(), text.begin() + 8);
  bool last = false;
  for (Index n = 0; n < 40; ++n) {
    RandomCrops(longer, 6, 0, "test").fill(n, 1, one.data(), next.data());
    last |= one[0] == 1;
  }
  CHECK(last);
  CHECK_THROWS_WITH_AS(RandomCrops(shortest, 7, 0, "source"),
                       "sequence length 7 needs a source text of at least 8 tokens; it has 7",
                       Error);
}

TEST_CASE("perplexity: the mean over crops, with the spread of its batches") {
  auto t = trainer({.batch = 2, .length = 5});
  const auto text = cycle(1);
  const Perplexity all = measure_perplexity(*t, text, "test", {.batches = 6, .seed = 3});
  CHECK(all.tokens == 60);
  CHECK(all.perplexity() == doctest::Approx(std::exp(all.loss)));
  std::vector<std::int32_t> tokens(10), targets(10);
  double sum = 0, squares = 0;
  for (Index b = 0; b < 6; ++b) {
    RandomCrops(text, 5, 3, "test").fill(2 * b, 2, tokens.data(), targets.data());
    const double loss = t->evaluate(2, tokens.data(), targets.data());
    sum += loss;
    squares += loss * loss;
  }
  CHECK(all.loss == doctest::Approx(sum / 6));
  CHECK(all.standard_error ==
        doctest::Approx(std::sqrt((squares / 6 - sum * sum / 36) / 5)).epsilon(1e-6));
  CHECK(measure_perplexity(*t, text, "test", {.batches = 1}).standard_error == 0);
  CHECK_THROWS_WITH_AS(measure_perplexity(*t, text, "test", {.batches = 0}),
                       "batches is 0; expected at least 1", Error);
}

TEST_CASE("loss slice: the middle is the loss, ends are as far as their tensors are long") {
  auto t = trainer({.batch = 2, .length = 5});
  const auto text = cycle(1);
  const SliceProtocol protocol{.batches = 3, .seed = 3};
  const auto state = t->state()[0];
  auto* values = static_cast<double*>(state.data);
  for (Index i = 0; i < state.size; ++i)
    if (values[i] != 0) values[i] = 40 * values[i];
  const std::vector<double> before(values, values + state.size);
  double loss = 0;
  const TokenBatches batches(RandomCrops(text, 5, 3, "test"), 3, 2);
  batches.each(
      [&](const std::int32_t* a, const std::int32_t* b) { loss += t->evaluate(2, a, b) / 3; });
  const auto slice = measure_loss_slice(*t, text, protocol);
  REQUIRE(slice.size() == 11);
  CHECK(slice.front().alpha == -0.5);
  CHECK(slice.back().alpha == 0.5);
  CHECK(slice[5].alpha == 0);
  CHECK(slice[5].loss == doctest::Approx(loss).epsilon(1e-15));
  CHECK(slice[0].loss != slice[5].loss);
  CHECK(std::equal(before.begin(), before.end(), values));

  ParameterVector direction;
  draw_scaled_direction(t->parameters(), before, Rng(3, 1), direction);
  for (const auto& p : t->parameters().entries()) {
    const auto first = static_cast<std::size_t>(p.offset), size = static_cast<std::size_t>(p.size);
    CHECK(norm(std::span(direction.data() + first, size)) ==
          doctest::Approx(norm(std::span(before.data() + first, size))));
  }
  CHECK_THROWS_AS(measure_loss_slice(*t, text, {.points = 1}), Error);
  CHECK_THROWS_AS(measure_loss_slice(*t, text, {.reach = 0}), Error);
  CHECK_THROWS_WITH_AS(measure_loss_slice(*t, text, {.batches = 0}),
                       "batches is 0; expected at least 1", Error);
  CHECK_THROWS_WITH_AS(measure_loss_slice(*t, cycle(1, 5)),
                       "sequence length 5 needs a measured text of at least 6 tokens; it has 5",
                       Error);
}

TEST_CASE("forgetting: what a bigram learns of the reversed cycle it loses of the cycle") {
  auto t = trainer({.batch = 4, .length = 8, .accumulate = 2});
  const auto forward = cycle(1), backward = cycle(3);
  const ForgettingProtocol first{.schedule = {.peak = 1, .warmup = 5, .steps = 60}, .batches = 4};
  const Forgetting learned = measure_forgetting(*t, backward, forward, forward, first);
  CHECK(learned.plasticity() > 1);
  CHECK(learned.target_after < 0.1);
  Index steps = 0;
  const Forgetting again =
      measure_forgetting(*t, forward, backward, backward, first,
                         [&](std::int64_t step, double) { CHECK(step == ++steps); });
  CHECK(steps == 60);
  CHECK(again.source_before == doctest::Approx(learned.target_after).epsilon(0.2));
  CHECK(again.forgetting() > 1);
  CHECK(again.plasticity() > 1);
  CHECK(again.forgetting() == again.source_after - again.source_before);
  CHECK(again.plasticity() == again.target_before - again.target_after);
}

TEST_CASE("slices and forgetting refuse a trainer whose losses are those of an average") {
  auto t = trainer({.batch = 2, .length = 5, .average = 0.9});
  const auto text = cycle(1);
  const std::string rest =
      " of a trainer that averages its parameters, by 0.9 a step, would be that of the average; "
      "expected one with average 0, which load_parameters gives the average of a run";
  CHECK_THROWS_WITH_AS(measure_loss_slice(*t, text), ("the curvature or slice" + rest).c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(measure_forgetting(*t, text, text, text), ("the forgetting" + rest).c_str(),
                       Error);
}

TEST_CASE("forgetting: texts that are too short, and numbers that break down, are sentences") {
  auto t = trainer({.batch = 1, .length = 8});
  const auto text = cycle(1), little = cycle(1, 8);
  CHECK_THROWS_WITH_AS(measure_forgetting(*t, little, text, text),
                       "sequence length 8 needs a source text of at least 9 tokens; it has 8",
                       Error);
  CHECK_THROWS_WITH_AS(measure_forgetting(*t, text, text, little),
                       "sequence length 8 needs a target text of at least 9 tokens; it has 8",
                       Error);
  static_cast<double*>(t->state()[0].data)[0] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(measure_forgetting(*t, text, text, text, {.batches = 5}),
                       "fine-tuning broke down at step 0: parameter 'tok_emb.weight'", Error);
  CHECK_THROWS_AS(t->inspector(), Error);
}

}  // namespace
