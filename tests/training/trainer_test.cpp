// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <span>

#include <optiform/rules/gradient_descent.hpp>
#include <optiform/weights/sharpness_aware.hpp>

#include "bigram_model.hpp"

using namespace optiform;

namespace {

std::unique_ptr<fake::BigramTrainer<>> trainer(TrainerOptions options) {
  auto made = std::make_unique<fake::BigramTrainer<>>(fake::Options{.vocabulary = 4, .context = 8},
                                                      WeightOptimizerOptions{}, options);
  made->allocate(Purpose::training);
  return made;
}

std::vector<double> values(AnyTrainer& trainer) {
  const auto vector = trainer.state()[0];
  const auto* data = static_cast<const double*>(vector.data);
  return {data, data + vector.size};
}

const std::vector<std::int32_t> tokens{0, 1, 2, 3, 3, 1, 0, 2}, targets{1, 2, 3, 0, 1, 0, 2, 2};

TEST_CASE("Trainer: accumulated halves of a batch give the gradient of the whole batch") {
  auto whole = trainer({.batch = 2, .length = 4});
  auto halves = trainer({.batch = 1, .length = 4, .accumulate = 2});
  const double loss = whole->accumulate(tokens.data(), targets.data());
  const double first = halves->accumulate(tokens.data(), targets.data());
  const double second = halves->accumulate(tokens.data() + 4, targets.data() + 4);
  CHECK(loss == doctest::Approx(0.5 * (first + second)).epsilon(1e-14));
  CHECK(whole->update(0.1) == doctest::Approx(halves->update(0.1)).epsilon(1e-14));
  const auto a = values(*whole), b = values(*halves);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-14));
}

TEST_CASE("Trainer: clipping scales the step, and reports the norm before it") {
  auto free = trainer({.batch = 2, .length = 4, .clip = 0});
  auto loose = trainer({.batch = 2, .length = 4, .clip = 1e6});
  auto tight = trainer({.batch = 2, .length = 4, .clip = 1e-3});
  const auto start = values(*free);
  double norm[3];
  int i = 0;
  for (auto* t : {free.get(), loose.get(), tight.get()}) {
    t->accumulate(tokens.data(), targets.data());
    norm[i++] = t->update(1.0);
  }
  CHECK(norm[0] == norm[1]);
  CHECK(norm[0] == norm[2]);
  CHECK(values(*free) == values(*loose));
  double moved = 0;
  const auto end = values(*tight);
  for (std::size_t j = 0; j < end.size(); ++j) moved += (end[j] - start[j]) * (end[j] - start[j]);
  CHECK(std::sqrt(moved) == doctest::Approx(1e-3).epsilon(1e-9));
}

TEST_CASE("Trainer: gradients are cleared by the update") {
  auto t = trainer({.batch = 2, .length = 4});
  t->accumulate(tokens.data(), targets.data());
  t->update(0);
  CHECK(t->update(0) == 0);
}

TEST_CASE("Trainer: evaluation of any batch up to the planned one is the mean over its tokens") {
  auto t = trainer({.batch = 2, .length = 4});
  const double both = t->evaluate(2, tokens.data(), targets.data());
  const double first = t->evaluate(1, tokens.data(), targets.data());
  const double second = t->evaluate(1, tokens.data() + 4, targets.data() + 4);
  CHECK(both == doctest::Approx(0.5 * (first + second)).epsilon(1e-14));
}

TEST_CASE(
    "Trainer: a sharpness-aware update repeats its passes uphill and steps from where it was") {
  using Sam = Trainer<fake::Bigram, SharpnessAware<WeightOptimizer<GradientDescent>>>::on<Reference,
                                                                                          double>;
  const fake::Options model{.vocabulary = 4, .context = 8};
  const TrainerOptions options{.batch = 1, .length = 4, .accumulate = 2, .clip = 0};
  const auto make = [&](double radius) {
    Sam::optimizer_type::Options optimizer;
    optimizer.sharpness.radius = radius;
    auto made = std::make_unique<Sam>(model, optimizer, options);
    made->allocate(Purpose::training);
    return made;
  };
  auto sharp = make(0.3), plain = make(0);
  Index bytes[2] = {};
  for (const PlannedMemory& item : plain->plan(Purpose::training)) bytes[0] += item.bytes;
  for (const PlannedMemory& item : sharp->plan(Purpose::training)) bytes[1] += item.bytes;
  CHECK(bytes[1] - bytes[0] == 8 * plain->parameters().total() + 4 * 2 * 8);
  auto* const x = static_cast<double*>(plain->state()[0].data);
  // The gradient at x, by a step of length one.
  const auto gradient = [&](const std::vector<double>& at) {
    std::copy(at.begin(), at.end(), x);
    for (int half = 0; half < 2; ++half)
      plain->accumulate(tokens.data() + 4 * half, targets.data() + 4 * half);
    plain->update(1);
    auto g = at;
    for (std::size_t i = 0; i < g.size(); ++i) g[i] -= x[i];
    return g;
  };
  for (int step = 0; step < 3; ++step) {
    const auto start = values(*sharp);
    auto uphill = start;
    auto g = gradient(start);
    double norm = 0;
    for (const double v : g) norm += v * v;
    for (std::size_t i = 0; i < g.size(); ++i) uphill[i] += 0.3 * g[i] / std::sqrt(norm);
    g = gradient(uphill);
    norm = 0;
    for (const double v : g) norm += v * v;
    for (int half = 0; half < 2; ++half)
      sharp->accumulate(tokens.data() + 4 * half, targets.data() + 4 * half);
    CHECK(sharp->update(0.1) == doctest::Approx(std::sqrt(norm)).epsilon(1e-9));
    const auto end = values(*sharp);
    for (std::size_t i = 0; i < g.size(); ++i)
      CHECK(end[i] == doctest::Approx(start[i] - 0.1 * g[i]).epsilon(1e-9));
  }
  CHECK(sharp->clock() == 3);
}

TEST_CASE("Trainer: a bad value is named with its tensor and layer, before any bad gradient") {
  auto t = trainer({.batch = 2, .length = 4});
  CHECK(t->first_bad_tensor().empty());
  auto* data = static_cast<double*>(t->state()[0].data);
  data[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(t->first_bad_tensor() == "parameter 'tok_emb.weight'");
  data[0] = 0;
  const Index table = t->parameters().find("layers.3.table.weight")->offset;
  data[table + 5] = std::numeric_limits<double>::infinity();
  CHECK(t->first_bad_tensor() == "parameter 'layers.3.table.weight' (layer 3)");
  t->accumulate(tokens.data(), targets.data());
  data[table + 5] = 0;
  CHECK(t->first_bad_tensor() == "the gradient of 'tok_emb.weight'");
}

TEST_CASE("Trainer: an update with a gradient that is not finite changes nothing") {
  auto t = trainer({.batch = 2, .length = 4});
  auto* data = static_cast<double*>(t->state()[0].data);
  data[0] = std::numeric_limits<double>::infinity();
  t->accumulate(tokens.data(), targets.data());
  const auto before = values(*t);
  CHECK(!std::isfinite(t->update(0.1)));
  CHECK(values(*t) == before);
  CHECK(t->clock() == 0);
}

TEST_CASE("Trainer: impossible numbers are one sentence, before any memory is taken") {
  using fake::BigramTrainer;
  const fake::Options model{.vocabulary = 4, .context = 8};
  CHECK_THROWS_WITH_AS(BigramTrainer<>(model, {}, {.length = 9}),
                       "sequence length is 9; expected 1 to the model's context of 8", Error);
  CHECK_THROWS_AS(BigramTrainer<>(model, {}, {.batch = 0, .length = 8}), Error);
  CHECK_THROWS_AS(BigramTrainer<>(model, {}, {.length = 8, .accumulate = 0}), Error);
  CHECK_THROWS_AS(BigramTrainer<>(model, {}, {.length = 8, .clip = -1}), Error);
  CHECK_THROWS_AS(BigramTrainer<>(model, {}, {.length = 8, .threads = -2}), Error);
}

TEST_CASE("Trainer: the average of the weights follows its recurrence, and evaluation uses it") {
  auto t = trainer({.batch = 2, .length = 4, .average = 0.3});
  auto plain = trainer({.batch = 2, .length = 4});
  auto expected = values(*t);
  CHECK(t->evaluate(2, tokens.data(), targets.data()) ==
        plain->evaluate(2, tokens.data(), targets.data()));
  for (int clock = 1; clock <= 6; ++clock) {
    for (auto* each : {t.get(), plain.get()}) {
      each->accumulate(tokens.data(), targets.data());
      each->update(0.5);
    }
    // The decay grows: 2 / 11, 3 / 12, then the given 0.3 rather than 4 / 13.
    const double decay = std::min(0.3, (1.0 + clock) / (10.0 + clock));
    const auto now = values(*t);
    for (std::size_t i = 0; i < now.size(); ++i)
      expected[i] = decay * expected[i] + (1 - decay) * now[i];
  }
  CHECK(values(*t) == values(*plain));
  const auto vectors = t->state();
  REQUIRE(vectors.back().name == "average");
  REQUIRE(vectors.back().size == static_cast<Index>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(static_cast<const double*>(vectors.back().data)[i] ==
          doctest::Approx(expected[i]).epsilon(1e-13));

  const double averaged = t->evaluate(2, tokens.data(), targets.data());
  const double latest = plain->evaluate(2, tokens.data(), targets.data());
  CHECK(averaged != latest);
  // Who generates sees the same weights as who evaluates.
  const auto next_token = [&] {
    std::vector<float> logits(static_cast<std::size_t>(t->vocabulary()));
    const AnyDecoder::Tokens prompts[] = {std::span(tokens).first(3)};
    t->decoder(1, 8)->append(prompts, logits);
    return logits;
  };
  const auto of_average = next_token();
  t->use_average(false);
  CHECK(t->evaluate(2, tokens.data(), targets.data()) == latest);
  CHECK(next_token() != of_average);
  t->use_average(true);
  CHECK(t->evaluate(2, tokens.data(), targets.data()) == averaged);
}

TEST_CASE("Trainer: a decay of the average outside [0, 1) is refused") {
  const fake::Options model{.vocabulary = 4, .context = 8};
  for (const double decay : {1.0, -0.1, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS(fake::BigramTrainer<>(model, {}, {.length = 8, .average = decay}), Error);
  CHECK_THROWS_WITH_AS(fake::BigramTrainer<>(model, {}, {.length = 8, .average = 1}),
                       "decay of the weight average is 1; expected 0 (no average) to below 1",
                       Error);
}

TEST_CASE("Trainer: the plan counts parameters, gradients, optimizer streams and activations") {
  const fake::BigramTrainer<> planned(fake::Options{.vocabulary = 4, .context = 8}, {},
                                      {.batch = 2, .length = 4});
  const Index vector = planned.parameters().total() * 8;
  Index sum = 0;
  for (const auto& item : planned.plan(Purpose::training)) sum += item.bytes;
  CHECK(sum == 3 * vector + 2 * 4 * 4 * 8);
  const fake::BigramTrainer<> averaging(fake::Options{.vocabulary = 4, .context = 8}, {},
                                        {.batch = 2, .length = 4, .average = 0.9});
  sum = 0;
  for (const auto& item : averaging.plan(Purpose::training)) sum += item.bytes;
  CHECK(sum == 4 * vector + 2 * 4 * 4 * 8);
}

}  // namespace
