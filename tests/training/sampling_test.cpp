// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/training/sampling.hpp>

#include "bigram_model.hpp"

using namespace optiform;

namespace {

TEST_CASE("sample_token: temperature zero and top-k one take the likeliest token") {
  const std::vector<double> logits{0.5, 2.0, 1.9, 2.0};
  for (const double u : {0.0, 0.3, 0.999}) {
    CHECK(sample_token(logits, {.temperature = 0}, u) == 1);
    CHECK(sample_token(logits, {.temperature = 1, .top_k = 1}, u) == 1);
  }
}

TEST_CASE("sample_token: frequencies follow the softmax, the temperature and the top-k cut") {
  const std::vector<double> logits{std::log(0.1), std::log(0.6), std::log(0.3)};
  Rng rng(1);
  int plain[3]{}, cold[3]{}, cut[3]{};
  constexpr int n = 20000;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    ++plain[sample_token(logits, {.temperature = 1, .top_k = 0}, u)];
    ++cold[sample_token(logits, {.temperature = 0.5, .top_k = 0}, u)];
    ++cut[sample_token(logits, {.temperature = 1, .top_k = 2}, u)];
  }
  CHECK(plain[0] / double{n} == doctest::Approx(0.1).epsilon(0.1));
  CHECK(plain[1] / double{n} == doctest::Approx(0.6).epsilon(0.03));
  CHECK(cold[1] / double{n} == doctest::Approx(0.36 / 0.46).epsilon(0.03));
  CHECK(cut[0] == 0);
  CHECK(cut[1] / double{n} == doctest::Approx(2.0 / 3).epsilon(0.03));
}

TEST_CASE("continue_text: the same seed repeats the text, another one does not") {
  fake::BigramTrainer<> model(fake::Options{.vocabulary = 50, .context = 8}, {}, {.length = 8});
  model.allocate(Purpose::inference);
  const auto text = [&](std::uint64_t seed) {
    std::vector<std::int32_t> ids{7};
    continue_text(model, ids, 40, 8, {.temperature = 1, .top_k = 0, .seed = seed});
    return ids;
  };
  CHECK(text(1).size() == 41);
  CHECK(text(1) == text(1));
  CHECK(text(1) != text(2));
}

TEST_CASE("continue_text: ids stay inside the tokenizer's vocabulary, prompts are checked") {
  fake::BigramTrainer<> model(fake::Options{.vocabulary = 50, .context = 8}, {}, {.length = 8});
  model.allocate(Purpose::inference);
  std::vector<std::int32_t> ids;
  continue_text(model, ids, 200, 8, {.temperature = 1, .top_k = 0, .vocabulary = 10});
  for (const auto id : ids) CHECK(id < 10);
  std::vector<std::int32_t> bad{50};
  CHECK_THROWS_WITH_AS(continue_text(model, bad, 1, 8, {}),
                       "token 50 of the prompt is outside the model's vocabulary of 50", Error);
  CHECK_THROWS_AS(continue_text(model, ids, 1, 8, {.temperature = -1}), Error);
  CHECK_THROWS_AS(continue_text(model, ids, 1, 8, {.top_k = -1}), Error);
}

}  // namespace
