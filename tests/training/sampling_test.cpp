// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <optiform/core/random.hpp>
#include <optiform/training/sampling.hpp>

using namespace optiform;

namespace {

constexpr float never = -std::numeric_limits<float>::infinity();

std::vector<float> logs(std::vector<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities)
    logits.push_back(p > 0 ? std::log(static_cast<float>(p)) : never);
  return logits;
}

/// id: probability, as one line to compare.
using Distribution = std::map<std::int32_t, double>;
Distribution distribution(const std::vector<float>& logits, const SamplingOptions& options,
                          const std::vector<std::int32_t>& said = {}) {
  Distribution result;
  Sampler sampler(options);
  for (const Candidate& c : sampler.candidates(logits, said)) result[c.id] = c.probability;
  return result;
}
void check_equal(const Distribution& got, const Distribution& expected) {
  REQUIRE(got.size() == expected.size());
  for (const auto& [id, p] : expected) {
    REQUIRE(got.count(id) == 1);
    CHECK(got.at(id) == doctest::Approx(p).epsilon(1e-6));
  }
}

const SamplingOptions plain{.temperature = 1, .top_k = 0};
SamplingOptions with(SamplingOptions options, auto change) {
  change(options);
  return options;
}

std::string refusal(const SamplingOptions& options) {
  try {
    options.validate();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("Sampler: each filter by hand") {
  const auto logits = logs({0.1, 0.4, 0.05, 0.25, 0.2});
  check_equal(distribution(logits, plain), {{0, .1}, {1, .4}, {2, .05}, {3, .25}, {4, .2}});
  const auto set = [&](auto change) { return distribution(logits, with(plain, change)); };
  check_equal(set([](auto& o) { o.top_k = 2; }), {{1, .4 / .65}, {3, .25 / .65}});
  check_equal(set([](auto& o) { o.top_k = 5; }), distribution(logits, plain));
  check_equal(set([](auto& o) { o.top_k = 100; }), distribution(logits, plain));
  // 0.4 + 0.25 = 0.65 reaches 0.65 and 0.5, not 0.7.
  check_equal(set([](auto& o) { o.top_p = 0.5; }), {{1, .4 / .65}, {3, .25 / .65}});
  check_equal(set([](auto& o) { o.top_p = 0.7; }), {{1, .4 / .85}, {3, .25 / .85}, {4, .2 / .85}});
  check_equal(set([](auto& o) { o.top_p = 1e-9; }), {{1, 1}});
  // At least half as likely as the likeliest.
  check_equal(set([](auto& o) { o.min_p = 0.4999; }),
              {{1, .4 / .85}, {3, .25 / .85}, {4, .2 / .85}});
  check_equal(set([](auto& o) { o.min_p = 1; }), {{1, 1}});
  // Square roots, normalised.
  const double a = std::sqrt(.1), b = std::sqrt(.4), c = std::sqrt(.05), d = .5, e = std::sqrt(.2);
  const double sum = a + b + c + d + e;
  check_equal(set([](auto& o) { o.temperature = 2; }),
              {{0, a / sum}, {1, b / sum}, {2, c / sum}, {3, d / sum}, {4, e / sum}});
  check_equal(set([](auto& o) { o.vocabulary = 3; }),
              {{0, .1 / .55}, {1, .4 / .55}, {2, .05 / .55}});
}

TEST_CASE("Sampler: filters act in the documented order") {
  const auto logits = logs({0.1, 0.4, 0.05, 0.25, 0.2});
  // Top-p on what top-k leaves: 0.4 of 0.65 is more than 0.6.
  check_equal(distribution(logits, {.temperature = 1, .top_k = 2, .top_p = 0.6}), {{1, 1}});
  // Top-p after temperature: at 1/2 the two likeliest hold 0.16 and 0.0625 of 0.275.
  check_equal(distribution(logits, {.temperature = 0.5, .top_k = 0, .top_p = 0.58}), {{1, 1}});
  // Min-p sees temperature too: (0.25 / 0.4)^2 < 0.5.
  check_equal(distribution(logits, {.temperature = 0.5, .top_k = 0, .min_p = 0.5}), {{1, 1}});
}

TEST_CASE("Sampler: the repetition penalty is CTRL's, once per token, before all filters") {
  const std::vector<float> logits{2, -1, 1, 0};
  const SamplingOptions options = with(plain, [](auto& o) { o.repetition_penalty = 2; });
  const double e = std::exp(1), sum = e + 1 / (e * e) + e + 1;
  check_equal(distribution(logits, options, {0, 1, 0, 0, 3, 99}),
              {{0, e / sum}, {1, 1 / (e * e) / sum}, {2, e / sum}, {3, 1 / sum}});
  // Equally likely now: the smaller id is the greedy one.
  CHECK(Sampler({.repetition_penalty = 2, .temperature = 0})(logits, std::vector{0}, 0.9) == 0);
  CHECK(Sampler({.repetition_penalty = 2.1, .temperature = 0})(logits, std::vector{0}, 0.9) == 2);
}

TEST_CASE("Sampler: temperature 0 and top-k 1 take the likeliest, ties go to the smaller id") {
  const std::vector<float> logits{0.5f, 2, 1.9f, 2};
  for (const double u : {0.0, 0.3, 0.999}) {
    CHECK(Sampler({.temperature = 0})(logits, {}, u) == 1);
    CHECK(Sampler({.temperature = 0, .top_k = 0, .top_p = 0.1, .min_p = 1})(logits, {}, u) == 1);
    CHECK(Sampler({.temperature = 1, .top_k = 1})(logits, {}, u) == 1);
    CHECK(Sampler({.temperature = 1e-200, .top_k = 1})(logits, {}, u) == 1);
  }
  CHECK(Sampler({.temperature = 1e-200, .top_k = 0})(logits, {}, 0.4) == 1);
  CHECK(Sampler({.temperature = 1e-200, .top_k = 0})(logits, {}, 0.6) == 3);
}

TEST_CASE("Sampler: selection equals sorting everything, on thousands of random logits") {
  Rng rng(4);
  for (const std::size_t v : {1u, 2u, 63u, 64u, 65u, 1000u, 5000u}) {
    std::vector<float> logits(v);
    for (float& l : logits) l = static_cast<float>(std::round(8 * rng.normal()) / 4);  // with ties
    std::vector<std::int32_t> order(v);
    for (std::size_t i = 0; i < v; ++i) order[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    double total = 0;
    for (const float l : logits) total += std::exp(l);
    const auto is_prefix_of_order = [&](std::span<const Candidate> got) {
      for (std::size_t i = 0; i < got.size(); ++i)
        if (got[i].id != order[i]) return false;
      return true;
    };
    for (const Index k : {1, 7, 64, 999}) {
      Sampler sampler({.temperature = 1, .top_k = k});
      const auto got = sampler.candidates(logits, {});
      CHECK(got.size() == std::min(v, static_cast<std::size_t>(k)));
      if (static_cast<std::size_t>(k) < v) CHECK(is_prefix_of_order(got));
    }
    for (const double p : {0.01, 0.3, 0.9, 0.999}) {
      Sampler sampler({.temperature = 1, .top_k = 0, .top_p = p});
      const auto got = sampler.candidates(logits, {});
      CHECK(is_prefix_of_order(got));
      double mass = 0;
      for (std::size_t i = 0; i + 1 < got.size(); ++i)
        mass += std::exp(logits[static_cast<std::size_t>(order[i])]) / total;
      CHECK(mass < p);
      mass += std::exp(logits[static_cast<std::size_t>(order[got.size() - 1])]) / total;
      CHECK(mass >= p * (1 - 1e-6));
    }
  }
}

TEST_CASE("Sampler: frequencies follow the distribution (chi-square)") {
  const std::vector<double> p{0.05, 0.35, 0.1, 0.3, 0.2};
  const auto logits = logs(p);
  constexpr int n = 50000;
  const auto chi_square = [&](const SamplingOptions& options, std::uint64_t seed) {
    Sampler sampler(options);
    std::map<std::int32_t, int> count;
    Rng rng(seed);
    for (int i = 0; i < n; ++i) ++count[sampler(logits, {}, rng.uniform())];
    double sum = 0;
    int seen = 0;
    for (const auto& [id, probability] : distribution(logits, options)) {
      const double expected = n * probability, d = count[id] - expected;
      sum += d * d / expected;
      seen += count[id];
    }
    CHECK(seen == n);  // nothing outside the distribution
    return sum;
  };
  // Four degrees of freedom at most: 23.5 is exceeded once in 10,000.
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    CHECK(chi_square(plain, seed) < 23.5);
    CHECK(chi_square({.temperature = 0.7, .top_k = 4}, seed) < 23.5);
    CHECK(chi_square({.temperature = 1.3, .top_k = 0, .top_p = 0.8}, seed) < 23.5);
    CHECK(chi_square({.temperature = 1, .top_k = 0, .min_p = 0.4}, seed) < 23.5);
  }
}

TEST_CASE("Sampler: what cannot come never comes, and bad logits are one sentence") {
  const auto logits = logs({0.5, 0, 0.5, 0});
  check_equal(distribution(logits, plain), {{0, .5}, {2, .5}});
  CHECK(Sampler({.temperature = 0})(logs({0, 0, 1}), {}, 0) == 2);
  Sampler sampler(plain);
  CHECK_THROWS_WITH_AS(sampler.candidates(logs({0, 0}), {}),
                       "no token can come next: all 2 logits are -infinity", Error);
  CHECK_THROWS_WITH_AS(sampler.candidates(std::vector<float>{0, std::nanf("")}, {}),
                       "logit of token 1 is nan; expected a finite number", Error);
  CHECK_THROWS_WITH_AS(sampler.candidates(std::vector<float>{-never, 0}, {}),
                       "logit of token 0 is inf; expected a finite number", Error);
}

TEST_CASE("SamplingOptions: what means nothing is refused in one sentence") {
  CHECK(refusal({}) == "");
  CHECK(refusal({.temperature = -1}) == "temperature is -1; expected 0 or more");
  CHECK(refusal({.temperature = std::nan("")}) == "temperature is nan; expected 0 or more");
  CHECK(refusal({.top_k = -1}) == "top-k is -1; expected 0 (all) or more");
  CHECK(refusal({.top_p = 0}) == "top-p is 0; expected more than 0 and at most 1 (all)");
  CHECK(refusal({.top_p = 1.5}) == "top-p is 1.5; expected more than 0 and at most 1 (all)");
  CHECK(refusal({.min_p = -0.1}) == "min-p is -0.1; expected 0 (all) to 1");
  CHECK(refusal({.repetition_penalty = 0}) ==
        "repetition penalty is 0; expected a positive number (1 is off)");
  CHECK_THROWS_AS(Sampler({.top_p = 2}), Error);
}
