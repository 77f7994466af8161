// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <optiform/depth/decoder.hpp>
#include <optiform/oracles/activations.hpp>
#include <optiform/oracles/attention.hpp>
#include <optiform/oracles/mlp.hpp>

#include "../support/random_data.hpp"

namespace optiform::testing {

inline constexpr ModelShape decoder_shape{.width = 18, .heads = 3, .hidden = 11};
template <class Rule>
using Usual = TransformerLayer<Rule, CausalAttention, Mlp<Gelu>>;
template <class Rule>
using Summed = Layer<Euler, ResidualBlock<Rule, CausalAttention>, ResidualBlock<Rule, Mlp<Gelu>>>;

/// A model with random parameters, some texts, and what the training pass says of each.
template <class Model, class Backend, class T>
struct DecoderTrial {
  using On = typename Model::template on<Backend, T>;
  using Tokens = typename On::Decoder::Tokens;
  static constexpr Index vocabulary = 19, context = 40;

  On model;
  Buffer<T> values;
  context_t<Backend> run;
  std::vector<std::vector<std::int32_t>> text;
  std::vector<std::vector<T>> expected;  ///< [length, vocabulary] per text
  std::vector<T> logits;                 ///< [sequences, vocabulary]
  double scale = 0;                      ///< largest of the expected logits

  explicit DecoderTrial(const std::vector<Index>& lengths, Index layers = 2, int threads = 1)
      : model({.vocabulary = vocabulary, .context = context, .layers = {layers}}),
        values(model.parameters().total()),
        run(threads),
        logits(lengths.size() * vocabulary) {
    Rng rng(5);
    for (const auto& p : model.parameters().entries()) {
      const double mean = p.role == Role::norm ? 1 : 0;
      const double deviation = p.role == Role::matrix ? 0.2 : p.role == Role::norm ? 0.2 : 0.5;
      for (Index i = 0; i < p.size; ++i)
        values[p.offset + i] = static_cast<T>(mean + deviation * rng.normal());
    }
    for (const Index length : lengths) {
      text.push_back(ids(rng, length, vocabulary));
      auto workspace = model.workspace(1, length, Pass::training);
      std::vector<T> all(static_cast<std::size_t>(length * vocabulary));
      model.logits(run, values.data(), workspace, text.back().data(), all.data());
      for (const T z : all) scale = std::max(scale, std::abs(static_cast<double>(z)));
      expected.push_back(std::move(all));
    }
  }

  /// Largest difference between row b of `logits` and what is expected after `length` tokens, in
  /// units of the largest logit.
  double error(std::size_t b, std::size_t length) const {
    double largest = 0;
    for (std::size_t i = 0; i < vocabulary; ++i)
      largest = std::max(largest,
                         std::abs(static_cast<double>(logits[b * vocabulary + i]) -
                                  static_cast<double>(expected[b][(length - 1) * vocabulary + i])));
    return largest / scale;
  }
};

/// Prompts of unequal lengths at once, then token by token while any text lasts.
template <class Model, class Backend, class T>
void check_decoder_of_model(double bound) {
  DecoderTrial<Model, Backend, T> trial({40, 9, 23});
  typename DecoderTrial<Model, Backend, T>::On::Decoder decoder(trial.model, 3, 40);
  std::vector<typename decltype(trial)::Tokens> part(3);
  std::size_t done[3]{};
  const auto advance = [&](std::size_t a, std::size_t b, std::size_t c) {
    const std::size_t more[] = {a, b, c};
    for (std::size_t i = 0; i < 3; ++i) {
      part[i] = std::span(trial.text[i])
                    .subspan(done[i])
                    .first(std::min(more[i], trial.text[i].size() - done[i]));
      done[i] += part[i].size();
    }
    decoder.append(trial.run, trial.values.data(), part, trial.logits.data());
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      CAPTURE(done[i]);
      if (!part[i].empty()) CHECK(trial.error(i, done[i]) <= bound);
      CHECK(decoder.length(static_cast<Index>(i)) == static_cast<Index>(done[i]));
    }
  };
  advance(17, 1, 5);
  while (done[0] < 38) advance(1, 1, 1);
  advance(2, 0, 0);
}

template <class Layers, class Backend, class T>
void check_decoder(double bound) {
  check_decoder_of_model<LanguageModel<decoder_shape, Layers>, Backend, T>(bound);
}

}  // namespace optiform::testing
