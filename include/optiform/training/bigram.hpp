// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <optiform/training/blocks.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A language model that knows one preceding token: the least a Transformer must beat.
///
///   p(b | a) = lambda * count(a b) / count(a .) + (1 - lambda) * (count(b) + 1) / (n + vocabulary)
///
/// Units     loss in nats per token.
/// Contract  lambda maximises the likelihood of the last 5 % of the training text under counts of
///           the rest; the reported loss uses counts of the whole training text.
/// Limits    lambda = 0 is the unigram model; a predecessor never seen leaves the unigram; the
///           added 1 keeps tokens that never occurred possible.
/// Source    Jelinek, Mercer, "Interpolated estimation of Markov source parameters", 1980.
struct BigramBaseline {
  double lambda = 0;
  double loss = 0;  ///< mean over the predicted tokens of the validation blocks
};

namespace detail {

/// Counts of single tokens and of those pairs that will be asked for: linear time and memory
/// that does not grow with the square of the vocabulary.
class BigramCounts {
 public:
  explicit BigramCounts(Index vocabulary)
      : single_(static_cast<std::size_t>(vocabulary)), before_(single_.size()) {}

  void ask(std::int32_t a, std::int32_t b) { pairs_.try_emplace(key(a, b), 0); }
  void count(std::span<const std::int32_t> text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      ++single_[static_cast<std::size_t>(text[i])];
      if (i + 1 == text.size()) break;
      ++before_[static_cast<std::size_t>(text[i])];
      if (const auto pair = pairs_.find(key(text[i], text[i + 1])); pair != pairs_.end())
        ++pair->second;
    }
    total_ += static_cast<double>(text.size());
  }
  double unigram(std::int32_t b) const {
    return (single_[static_cast<std::size_t>(b)] + 1) /
           (total_ + static_cast<double>(single_.size()));
  }
  double bigram(std::int32_t a, std::int32_t b) const {
    const double n = before_[static_cast<std::size_t>(a)];
    return n > 0 ? pairs_.find(key(a, b))->second / n : unigram(b);
  }

 private:
  static std::uint64_t key(std::int32_t a, std::int32_t b) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32 |
           static_cast<std::uint32_t>(b);
  }
  std::vector<double> single_, before_;
  double total_ = 0;
  std::unordered_map<std::uint64_t, double> pairs_;
};

/// The weight in [0, 1] that maximises the mean log of w * p + (1 - w) * q: its derivative falls.
inline double best_mixture(const std::vector<double>& p, const std::vector<double>& q) {
  double low = 0, high = 1;
  for (int i = 0; i < 50; ++i) {
    const double w = 0.5 * (low + high);
    double slope = 0;
    for (std::size_t j = 0; j < p.size(); ++j) slope += (p[j] - q[j]) / (w * p[j] + (1 - w) * q[j]);
    (slope > 0 ? low : high) = w;
  }
  return 0.5 * (low + high);
}

}  // namespace detail

/// Fits and evaluates the baseline on exactly the tokens that a model is validated on.
inline BigramBaseline bigram_baseline(std::span<const std::int32_t> training, Index vocabulary,
                                      const ValidationBlocks& validation) {
  const auto each_validation_pair = [&](auto&& f) {
    for (Index block = 0; block < validation.count; ++block)
      for (Index i = 0; i < validation.length; ++i)
        f(validation.tokens(block)[i], validation.targets(block)[i]);
  };
  const std::size_t held = std::min<std::size_t>(training.size() / 20, 200'000);
  const auto rest = training.first(training.size() - held), held_out = training.last(held);
  detail::BigramCounts counts(vocabulary);
  for (std::size_t i = 1; i < held; ++i) counts.ask(held_out[i - 1], held_out[i]);
  each_validation_pair([&](std::int32_t a, std::int32_t b) { counts.ask(a, b); });

  counts.count(rest);
  std::vector<double> bigram, unigram;
  for (std::size_t i = 1; i < held; ++i) {
    bigram.push_back(counts.bigram(held_out[i - 1], held_out[i]));
    unigram.push_back(counts.unigram(held_out[i]));
  }
  BigramBaseline result;
  result.lambda = detail::best_mixture(bigram, unigram);

  counts.count(held_out);
  double sum = 0;
  each_validation_pair([&](std::int32_t a, std::int32_t b) {
    sum -= std::log(result.lambda * counts.bigram(a, b) + (1 - result.lambda) * counts.unigram(b));
  });
  result.loss = sum / static_cast<double>(validation.count * validation.length);
  return result;
}

OPTIFORM_NAMESPACE_END
