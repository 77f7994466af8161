// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/random.hpp>
#include <optiform/training/token_view.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

inline void require_text(Index tokens, Index length, std::string_view what) {
  if (length < 1) fail("sequence length is ", length, "; expected at least 1");
  if (tokens < length + 1)
    fail("sequence length ", length, " needs a ", what, " text of at least ", length + 1,
         " tokens; it has ", tokens);
  if (tokens / length > std::numeric_limits<std::int32_t>::max())
    fail("the ", what, " text has ", tokens / length, " sequences of ", length,
         " tokens; expected fewer than 2147483648");
}

}  // namespace detail

/// Training sequences: non-overlapping blocks in a new random order each epoch.
///
///   epoch e cuts the text at offset(e), offset(e) + length, ...; offset(0) = 0
///   sequence s of the run is block order(e)[s - first(e)]; its targets are shifted by one token
///
/// Shapes    tokens, targets: [batch, length].
/// Contract  a pure function of (seed, sequence number): nothing to save for a resume. `fill`
///           allocates nothing.
/// Limits    within an epoch every block appears once; the targets of a block end with the
///           first token of the next.
class TrainingBlocks {
 public:
  /// Views the text; the caller keeps it alive. Throws Error if it is shorter than a block.
  TrainingBlocks(TokenView text, Index length, std::uint64_t seed)
      : text_(text), length_(length), seed_(seed) {
    detail::require_text(text.size(), length, "training");
    order_.reserve(static_cast<std::size_t>(blocks(0)));
    enter(0, 0);
  }

  /// Sequences first .. first + batch - 1 of the run.
  void fill(std::int64_t first, Index batch, std::int32_t* tokens, std::int32_t* targets) {
    for (Index i = 0; i < batch; ++i) {
      const Index block = position(first + i);
      text_.copy(block, length_, tokens + i * length_);
      text_.copy(block + 1, length_, targets + i * length_);
    }
  }

  /// Where in the text a sequence of the run starts.
  Index position(std::int64_t sequence) {
    if (sequence < first_) enter(0, 0);
    while (sequence >= first_ + blocks(epoch_)) enter(epoch_ + 1, first_ + blocks(epoch_));
    if (shuffled_ != epoch_) shuffle();
    return offset(epoch_) + order_[static_cast<std::size_t>(sequence - first_)] * length_;
  }

  std::int64_t epoch(std::int64_t sequence) {
    position(sequence);
    return epoch_;
  }

 private:
  Index offset(std::int64_t epoch) const {
    if (epoch == 0) return 0;
    // Never so far that no block is left.
    const Index room = std::min(length_, text_.size() - length_);
    Rng rng(seed_, static_cast<std::uint64_t>(2 * epoch));
    return static_cast<Index>(rng.below(static_cast<std::uint64_t>(room)));
  }
  Index blocks(std::int64_t epoch) const { return (text_.size() - 1 - offset(epoch)) / length_; }
  void enter(std::int64_t epoch, std::int64_t first) {
    epoch_ = epoch;
    first_ = first;
  }
  void shuffle() {
    order_.resize(static_cast<std::size_t>(blocks(epoch_)));
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::int32_t>(i);
    Rng rng(seed_, static_cast<std::uint64_t>(2 * epoch_ + 1));
    rng.shuffle(order_.data(), static_cast<Index>(order_.size()));
    shuffled_ = epoch_;
  }

  TokenView text_;
  Index length_;
  std::uint64_t seed_;
  std::vector<std::int32_t> order_;
  std::int64_t epoch_ = 0, first_ = 0, shuffled_ = -1;
};

/// Validation sequences: the first blocks of the validation text, in order, the same for every
/// batch size and every step.
struct ValidationBlocks {
  std::span<const std::int32_t> text;
  Index length = 1;
  Index count = 0;

  /// At most `most` blocks, fewer if the text is short. Throws Error if it is shorter than one.
  ValidationBlocks(std::span<const std::int32_t> validation_text, Index block_length, Index most)
      : text(validation_text), length(block_length) {
    detail::require_text(static_cast<Index>(text.size()), length, "validation");
    if (most < 1) fail("number of validation blocks is ", most, "; expected at least 1");
    count = std::min(most, (static_cast<Index>(text.size()) - 1) / length);
  }
  const std::int32_t* tokens(Index block) const { return text.data() + block * length; }
  const std::int32_t* targets(Index block) const { return tokens(block) + 1; }
};

OPTIFORM_NAMESPACE_END
