// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/training/bigram.hpp>

using namespace optiform;

namespace {

/// A Markov chain over `states` tokens: to the successor with probability `keep`, else anywhere.
std::vector<std::int32_t> chain(int size, int states, double keep, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::int32_t> text{0};
  while (static_cast<int>(text.size()) < size)
    text.push_back(rng.uniform() < keep
                       ? (text.back() + 1) % states
                       : static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(states))));
  return text;
}

TEST_CASE("BigramBaseline: on a Markov chain it reaches the entropy rate with lambda near one") {
  const auto text = chain(200000, 10, 0.8, 1), validation = chain(5001, 10, 0.8, 2);
  const ValidationBlocks blocks(validation, 50, 100);
  const auto baseline = bigram_baseline(text, 10, blocks);
  CHECK(baseline.lambda > 0.99);
  const double next = 0.8 + 0.02, other = 0.02;
  const double entropy = -next * std::log(next) - 9 * other * std::log(other);
  CHECK(baseline.loss == doctest::Approx(entropy).epsilon(0.05));
}

TEST_CASE("BigramBaseline: on independent tokens it is the unigram entropy") {
  const auto text = chain(20000, 50, 0, 3), validation = chain(5001, 50, 0, 4);
  const auto baseline = bigram_baseline(text, 50, ValidationBlocks(validation, 50, 100));
  CHECK(baseline.lambda < 0.2);
  CHECK(baseline.loss == doctest::Approx(std::log(50)).epsilon(0.01));
}

TEST_CASE("BigramBaseline: equals the formula computed with full tables") {
  const auto text = chain(3000, 7, 0.5, 5), validation = chain(200, 7, 0.5, 6);
  const ValidationBlocks blocks(validation, 6, 20);
  const auto baseline = bigram_baseline(text, 7, blocks);
  std::vector<double> single(7), pair(49), before(7);
  const std::size_t held = text.size() / 20;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto a = static_cast<std::size_t>(text[i]);
    ++single[a];
    // Counting starts anew at the held-out part: the pair across the cut belongs to neither.
    if (i + 1 == text.size() || i + 1 == text.size() - held) continue;
    ++before[a];
    ++pair[7 * a + static_cast<std::size_t>(text[i + 1])];
  }
  double sum = 0;
  for (Index block = 0; block < blocks.count; ++block)
    for (Index i = 0; i < blocks.length; ++i) {
      const auto a = static_cast<std::size_t>(blocks.tokens(block)[i]);
      const auto b = static_cast<std::size_t>(blocks.targets(block)[i]);
      sum -= std::log(baseline.lambda * pair[7 * a + b] / before[a] +
                      (1 - baseline.lambda) * (single[b] + 1) / (3000.0 + 7));
    }
  CHECK(baseline.loss == doctest::Approx(sum / 120).epsilon(1e-12));
}

TEST_CASE("BigramBaseline: tokens and pairs that training never saw keep the loss finite") {
  const std::vector<std::int32_t> text(1000, 1), validation{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto baseline = bigram_baseline(text, 100, ValidationBlocks(validation, 8, 1));
  CHECK(std::isfinite(baseline.loss));
  CHECK(baseline.loss > 2);
}

TEST_CASE("best_mixture: finds the maximum of the likelihood, at the ends too") {
  CHECK(detail::best_mixture({0.9, 0.8}, {0.1, 0.2}) == doctest::Approx(1).epsilon(1e-9));
  CHECK(detail::best_mixture({0.1, 0.2}, {0.9, 0.8}) < 1e-9);
  const double w = detail::best_mixture({0.9, 0.1, 0.7}, {0.2, 0.6, 0.5});
  const auto likelihood = [](double v) {
    return std::log(0.9 * v + 0.2 * (1 - v)) + std::log(0.1 * v + 0.6 * (1 - v)) +
           std::log(0.7 * v + 0.5 * (1 - v));
  };
  CHECK(likelihood(w) >= likelihood(w + 1e-3));
  CHECK(likelihood(w) >= likelihood(w - 1e-3));
}

}  // namespace
