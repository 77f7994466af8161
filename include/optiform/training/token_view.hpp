// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>

#include <optiform/core/config.hpp>
#include <optiform/core/require.hpp>

OPTIFORM_NAMESPACE_BEGIN

template <class S>
concept token_source_has_size = requires(const S& source) {
  { source.size() } -> std::convertible_to<Index>;
};
template <class S>
concept token_source_has_copy = requires(const S& source, Index n, std::int32_t* out) {
  source.copy(n, n, out);
};

/// Something that holds a long text of tokens, in memory or not.
template <class S>
concept TokenSource =
    (token_source_has_size<S> || unmet<"add: Index size() const">()) &&
    (token_source_has_copy<S> ||
     unmet<"add: void copy(Index first, Index count, std::int32_t* out) const">());

/// A view of tokens wherever they are: a vector, a span, TokenShards or any TokenSource.
///
/// Contract  the owner stays alive and unmoved; `copy` allocates nothing that the source does not.
class TokenView {
 public:
  template <class Text>
    requires std::convertible_to<const Text&, std::span<const std::int32_t>> TokenView(
        const Text& text) {
      const std::span<const std::int32_t> span = text;
      source_ = span.data();
      size_ = static_cast<Index>(span.size());
      copy_ = [](const void* source, Index first, Index count, std::int32_t* out) {
        std::copy_n(static_cast<const std::int32_t*>(source) + first, count, out);
      };
      in_memory_ = true;
    }
  template <TokenSource S>
  TokenView(const S& source) : source_(&source), size_(source.size()) {
    copy_ = [](const void* from, Index first, Index count, std::int32_t* out) {
      static_cast<const S*>(from)->copy(first, count, out);
    };
  }

  Index size() const { return size_; }
  /// Whether copying never waits for a disk.
  bool in_memory() const { return in_memory_; }
  void copy(Index first, Index count, std::int32_t* out) const {
    copy_(source_, first, count, out);
  }
  /// The first tokens alone.
  TokenView first(Index count) const {
    TokenView view = *this;
    view.size_ = std::min(count, size_);
    return view;
  }

 private:
  const void* source_;
  Index size_;
  void (*copy_)(const void*, Index, Index, std::int32_t*);
  bool in_memory_ = false;
};

OPTIFORM_NAMESPACE_END
