// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/rules/norm.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Choices of the tables a network starts from.
struct EmbeddingOptions {
  bool positions = true;  ///< learned positions; rotary attention does without
};

/// Choices of what turns the last state into logits.
struct HeadOptions {
  Norm norm = Norm::layer_norm;  ///< of the read-out
  bool tied = true;              ///< the token embedding is the head's matrix too
  bool zero_start = false;       ///< an untied matrix starts at zero
  double soft_cap = 0;           ///< c: logits z become c tanh(z / c); 0: they stay
};

/// First segment of a LanguageModel that does not want the default.
template <EmbeddingOptions Options>
struct Embedding {};
/// Last segment of a LanguageModel that does not want the default.
template <HeadOptions Options>
struct Head {};

namespace detail {

/// What the segments of a model say about its ends.
struct Ends {
  EmbeddingOptions embedding{};
  HeadOptions head{};
  int embeddings = 0, heads = 0;
};

template <class Segment>
struct read_end {
  static constexpr bool is_end = false;
  static constexpr void into(Ends&) {}
};
template <EmbeddingOptions Options>
struct read_end<Embedding<Options>> {
  static constexpr bool is_end = true;
  static constexpr void into(Ends& ends) { ends.embedding = Options, ++ends.embeddings; }
};
template <HeadOptions Options>
struct read_end<Head<Options>> {
  static constexpr bool is_end = true;
  static constexpr void into(Ends& ends) { ends.head = Options, ++ends.heads; }
};

template <class... Segments>
constexpr Ends ends_of() {
  Ends ends;
  (read_end<Segments>::into(ends), ...);
  return ends;
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
