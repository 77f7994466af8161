// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Bytes at the end of `text` that begin a UTF-8 character but do not complete it.
inline std::size_t incomplete_utf8(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xC0) continue;  // in the middle of a character
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace detail

/// Turns the pieces of text that tokens stand for into pieces that can be shown: characters stay
/// whole, and the text ends before the first stop string, wherever tokens begin and end.
///
/// Contract  the pieces given out, one after the other, are the text; what might still become a
///           stop string or a character is kept back.
/// Limits    bytes that are no UTF-8 pass as they are; stop strings are not empty.
class TextStream {
 public:
  explicit TextStream(std::vector<std::string> stops = {}) : stops_(std::move(stops)) {}

  /// Adds a piece; returns what can be shown now.
  std::string add(std::string_view piece) {
    if (stopped_) return {};
    kept_ += piece;
    std::size_t end = std::string::npos;
    for (const std::string& stop : stops_) end = std::min(end, kept_.find(stop));
    if (end != std::string::npos) {
      stopped_ = true;
      kept_.resize(end);
      return finish();
    }
    std::size_t shown = kept_.size() - longest_beginning();
    shown -= detail::incomplete_utf8(std::string_view(kept_).substr(0, shown));
    std::string out = kept_.substr(0, shown);
    kept_.erase(0, shown);
    return out;
  }

  /// What was kept back, when no more will come.
  std::string finish() { return std::exchange(kept_, {}); }
  /// Whether a stop string has come.
  bool stopped() const { return stopped_; }

 private:
  /// Length of the longest end of the kept text that a stop string begins with.
  std::size_t longest_beginning() const {
    std::size_t longest = 0;
    for (const std::string_view stop : stops_)
      for (std::size_t n = std::min(kept_.size(), stop.size() - 1); n > longest; --n)
        if (kept_.ends_with(stop.substr(0, n))) longest = n;
    return longest;
  }

  std::vector<std::string> stops_;
  std::string kept_;
  bool stopped_ = false;
};

OPTIFORM_NAMESPACE_END
