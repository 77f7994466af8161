// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How the next token is chosen. Filters act in the order of these members' first four groups:
///
///   1. repetition penalty: the logit of every token that the text already holds is divided by it
///      if positive, multiplied if negative
///   2. temperature: logits are divided by it
///   3. top-k, top-p, min-p, each on what the one before has left
///
/// Source    the order is that of Hugging Face Transformers' generate(). Penalty: Keskar et al.,
///           "CTRL", arXiv 1909.05858. Top-k: Fan et al., arXiv 1805.04833. Top-p: Holtzman et al.,
///           arXiv 1904.09751. Min-p: Nguyen et al., arXiv 2407.01082.
struct SamplingOptions {
  double repetition_penalty = 1;  ///< above 1 discourages what was said; 1 is off
  double temperature = 0.8;       ///< 0 always takes the likeliest token
  Index top_k = 50;               ///< only the k likeliest tokens; 0 allows all
  double top_p = 1;               ///< only the fewest likeliest tokens of this total probability
  double min_p = 0;               ///< only tokens this likely in units of the likeliest; 0 is off
  std::uint64_t seed = 0;
  Index vocabulary = 0;  ///< only ids below it, where a model's table is padded; 0 allows all

  void validate() const {
    if (!(repetition_penalty > 0) || !math::isfinite(repetition_penalty))
      fail("repetition penalty is ", repetition_penalty, "; expected a positive number (1 is off)");
    if (!(temperature >= 0) || !math::isfinite(temperature))
      fail("temperature is ", temperature, "; expected 0 or more");
    if (top_k < 0) fail("top-k is ", top_k, "; expected 0 (all) or more");
    if (!(top_p > 0 && top_p <= 1))
      fail("top-p is ", top_p, "; expected more than 0 and at most 1 (all)");
    if (!(min_p >= 0 && min_p <= 1)) fail("min-p is ", min_p, "; expected 0 (all) to 1");
  }
};

/// A token that may come next.
struct Candidate {
  std::int32_t id;
  double probability;
};

/// Chooses tokens from logits.
///
/// Contract  the same logits, text and number give the same token on every machine with the same
///           exp. Memory grows on first use only. Finding the k likeliest of V tokens takes about
///           V + k log k operations; without top-k and top-p nothing is sorted.
/// Limits    temperature 0 and top-k 1 are greedy; where likelihoods are equal the smaller id
///           counts as likelier. A logit of minus infinity is a token that cannot come.
/// Errors    options that mean nothing; logits of which one is NaN or all are minus infinity.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options) : options_(options) { options_.validate(); }

  /// What may come next, with probabilities that add up to 1; likeliest first where top-k or top-p
  /// had to find out, by id elsewhere. Valid until the next call.
  ///
  /// Shapes    logits [vocabulary]; `said` holds the ids of the text so far, in any order.
  std::span<const Candidate> candidates(std::span<const float> logits,
                                        std::span<const std::int32_t> said) {
    if (options_.vocabulary > 0)
      logits = logits.first(std::min(logits.size(), static_cast<std::size_t>(options_.vocabulary)));
    if (options_.repetition_penalty != 1) logits = penalised(logits, said);
    if (options_.temperature == 0)
      select(logits, 1);
    else
      select(logits, options_.top_k);
    if (kept_.empty()) fail("no token can come next: all ", logits.size(), " logits are -infinity");
    weigh();
    if (options_.top_p < 1) cut_to_nucleus();
    if (options_.min_p > 0)
      std::erase_if(kept_, [&](const Candidate& c) { return c.probability < options_.min_p; });
    double total = 0;
    for (const Candidate& c : kept_) total += c.probability;
    for (Candidate& c : kept_) c.probability /= total;
    return kept_;
  }

  /// The token at `uniform` in [0, 1) on the candidates' cumulative distribution.
  std::int32_t operator()(std::span<const float> logits, std::span<const std::int32_t> said,
                          double uniform) {
    for (const Candidate& c : candidates(logits, said))
      if ((uniform -= c.probability) < 0) return c.id;
    return kept_.back().id;
  }

 private:
  static bool likelier(const Candidate& a, const Candidate& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.id < b.id;
  }

  std::span<const float> penalised(std::span<const float> logits,
                                   std::span<const std::int32_t> said) {
    penalised_.assign(logits.begin(), logits.end());
    const auto penalty = static_cast<float>(options_.repetition_penalty);
    for (const std::int32_t id : said) {
      const auto at = static_cast<std::size_t>(id);
      if (at >= logits.size()) continue;
      // From the original, so that a token said twice is penalised once.
      penalised_[at] = logits[at] > 0 ? logits[at] / penalty : logits[at] * penalty;
    }
    return penalised_;
  }

  /// Keeps the k likeliest tokens, likeliest first, or all that can come, by id. For now a
  /// candidate's probability is its logit.
  void select(std::span<const float> logits, Index k) {
    kept_.clear();
    const auto most = static_cast<std::size_t>(k);
    const bool all = k == 0 || most >= logits.size();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const auto logit = static_cast<double>(logits[i]);
      if (!math::isfinite(logit)) {
        if (logit < 0) continue;
        fail("logit of token ", i, " is ", logit, "; expected a finite number");
      }
      const Candidate c{static_cast<std::int32_t>(i), logit};
      if (all || kept_.size() < most) {
        kept_.push_back(c);
        if (!all && kept_.size() == most) std::make_heap(kept_.begin(), kept_.end(), likelier);
      } else if (likelier(c, kept_.front())) {  // the least likely that is kept
        std::pop_heap(kept_.begin(), kept_.end(), likelier);
        kept_.back() = c;
        std::push_heap(kept_.begin(), kept_.end(), likelier);
      }
    }
    if (!all) std::sort(kept_.begin(), kept_.end(), likelier);
  }

  /// Logits become probabilities in units of the likeliest.
  void weigh() {
    double largest = kept_.front().probability;
    for (const Candidate& c : kept_) largest = std::max(largest, c.probability);
    const double heat = options_.temperature == 0 ? 1 : options_.temperature;
    for (Candidate& c : kept_) c.probability = std::exp((c.probability - largest) / heat);
  }

  /// Keeps the shortest list of the likeliest whose share reaches top-p. Sorts as far as it must.
  void cut_to_nucleus() {
    double needed = 0;
    for (const Candidate& c : kept_) needed += c.probability;
    needed *= options_.top_p * (1 - 1e-12);  // rounding must not ask for one more
    auto next = kept_.begin();
    for (std::ptrdiff_t chunk = 64; next != kept_.end(); chunk *= 4) {
      const auto end = kept_.end() - next > chunk ? next + chunk : kept_.end();
      if (end != kept_.end()) std::nth_element(next, end, kept_.end(), likelier);
      std::sort(next, end, likelier);
      for (; next != end; ++next)
        if ((needed -= next->probability) <= 0) return void(kept_.erase(next + 1, kept_.end()));
    }
  }

  SamplingOptions options_;
  std::vector<Candidate> kept_;
  std::vector<float> penalised_;
};

OPTIFORM_NAMESPACE_END
