// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <optiform/training/any_trainer.hpp>
#include <optiform/training/blocks.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Sequences cut from random places of a text, with replacement.
///
/// Contract  crop n is a function of (seed, n, length, size of the text) alone, so that all models
///           are measured on the same ones, in batches of any size.
/// Limits    crops of a text that is not much longer than they are overlap heavily.
class RandomCrops {
 public:
  /// Views the text; `what` it is for errors. Errors  a text that is shorter than a crop.
  RandomCrops(TokenView text, Index length, std::uint64_t seed, std::string_view what)
      : text_(text), length_(length), seed_(seed) {
    detail::require_text(text.size(), length, what);
  }

  Index length() const { return length_; }

  /// Crops first .. first + batch - 1. Shapes  tokens, targets: [batch, length].
  void fill(std::int64_t first, Index batch, std::int32_t* tokens, std::int32_t* targets) const {
    for (Index i = 0; i < batch; ++i) {
      Rng rng(seed_, static_cast<std::uint64_t>(first + i));
      const auto at =
          static_cast<Index>(rng.below(static_cast<std::uint64_t>(text_.size() - length_)));
      text_.copy(at, length_, tokens + i * length_);
      text_.copy(at + 1, length_, targets + i * length_);
    }
  }

 private:
  TokenView text_;
  Index length_;
  std::uint64_t seed_;
};

/// A few batches of tokens and what follows each.
struct TokenBatches {
  Index count = 0, batch = 0, length = 0;
  std::vector<std::int32_t> tokens, targets;  ///< [count, batch, length]

  TokenBatches() = default;
  TokenBatches(const RandomCrops& crops, Index batches, Index sequences)
      : count(batches), batch(sequences), length(crops.length()) {
    if (batches < 1) fail("batches is ", batches, "; expected at least 1");
    if (sequences < 1) fail("batch is ", sequences, " sequences; expected at least 1");
    tokens.resize(static_cast<std::size_t>(batches * sequences * length));
    targets.resize(tokens.size());
    crops.fill(0, batches * sequences, tokens.data(), targets.data());
  }

  /// Calls f(tokens, targets) for every batch.
  template <class F>
  void each(F&& f) const {
    for (Index b = 0; b < count; ++b)
      f(tokens.data() + b * batch * length, targets.data() + b * batch * length);
  }
};

/// The batches that a protocol asks for: `batches` of them, crops drawn under its `seed`.
///
/// Shapes    batch and length of the sizes: a trainer's, or those that a model is to be measured
/// at. Errors    a text that is shorter than a crop; no batch.
template <class Protocol>
TokenBatches draw_batches(const TrainerOptions& sizes, TokenView text, const Protocol& protocol,
                          std::string_view what = "measured") {
  return {RandomCrops(text, sizes.length, protocol.seed, what), protocol.batches, sizes.batch};
}

OPTIFORM_NAMESPACE_END
