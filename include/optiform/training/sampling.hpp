// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <optiform/core/random.hpp>
#include <optiform/training/any_trainer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How the next token is chosen.
struct SamplingOptions {
  double temperature = 0.8;  ///< 0 always takes the likeliest token
  Index top_k = 50;          ///< only the k likeliest tokens; 0 allows all
  std::uint64_t seed = 0;
  Index vocabulary = 0;  ///< only ids below it, where a model's table is padded; 0 allows all

  void validate() const {
    if (!(temperature >= 0) || !std::isfinite(temperature))
      fail("temperature is ", temperature, "; expected 0 or more");
    if (top_k < 0) fail("top-k is ", top_k, "; expected 0 (all) or more");
  }
};

/// Draws a token from logits; `uniform` is in [0, 1).
///
/// Limits    temperature 0 and top_k 1 are greedy; ties go to the smaller id.
inline std::int32_t sample_token(const std::vector<double>& logits, const SamplingOptions& options,
                                 double uniform) {
  std::vector<std::int32_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  const auto logit = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; };
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    return logit(a) != logit(b) ? logit(a) > logit(b) : a < b;
  };
  const bool greedy = options.temperature == 0;
  const std::size_t kept = greedy ? 1
                           : options.top_k == 0
                               ? order.size()
                               : std::min(order.size(), static_cast<std::size_t>(options.top_k));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    likelier);
  order.resize(kept);
  if (greedy) return order[0];
  double sum = 0;
  std::vector<double> weight(kept);
  for (std::size_t i = 0; i < kept; ++i)
    sum += weight[i] = std::exp((logit(order[i]) - logit(order[0])) / options.temperature);
  double left = uniform * sum;
  for (std::size_t i = 0; i < kept; ++i)
    if ((left -= weight[i]) < 0) return order[i];
  return order.back();
}

/// Continues `text` by `count` tokens. Each step looks back over at most `window` tokens.
///
/// Contract  the same seed gives the same text; an empty prompt starts with token 0.
inline void continue_text(AnyTrainer& model, std::vector<std::int32_t>& text, Index count,
                          Index window, const SamplingOptions& options) {
  options.validate();
  for (const std::int32_t id : text)
    if (id < 0 || id >= model.vocabulary())
      fail("token ", id, " of the prompt is outside the model's vocabulary of ",
           model.vocabulary());
  if (text.empty()) text.push_back(0);
  window = std::clamp<Index>(window, 1, model.options().length);
  Rng rng(options.seed);
  std::vector<double> logits;
  for (Index i = 0; i < count; ++i) {
    const auto seen = std::min<std::size_t>(text.size(), static_cast<std::size_t>(window));
    model.next_token(std::span<const std::int32_t>(text).last(seen), logits);
    if (options.vocabulary > 0 && options.vocabulary < model.vocabulary())
      logits.resize(static_cast<std::size_t>(options.vocabulary));
    text.push_back(sample_token(logits, options, rng.uniform()));
  }
}

OPTIFORM_NAMESPACE_END
