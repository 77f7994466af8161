// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Text to token ids and back. Programs choose one at run time, hence virtual functions.
///
/// Shapes    ids are 0 .. vocabulary() - 1.
/// Contract  const members may be called from several threads at once.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Index vocabulary() const = 0;
  /// Appends the ids of `text` to `ids`.
  virtual void encode(std::string_view text, std::vector<std::int32_t>& ids) const = 0;
  /// Appends the text of `ids`. Throws Error for an id outside the vocabulary.
  virtual void decode(std::span<const std::int32_t> ids, std::string& text) const = 0;
  /// The tokenizer as the bytes of a file; empty when it needs none.
  virtual std::string serialized() const = 0;
  /// The first position from `at` on where a text may be cut in two without changing a token;
  /// its size if there is none, or none is known.
  virtual std::size_t safe_cut(std::string_view text, std::size_t at) const {
    static_cast<void>(at);
    return text.size();
  }
  /// The token that stands between documents and that no text contains; -1 if there is none.
  virtual std::int32_t end_of_text() const { return -1; }

  std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    encode(text, ids);
    return ids;
  }
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    decode(ids, text);
    return text;
  }

 protected:
  void require_id(std::int32_t id) const {
    if (id < 0 || id >= vocabulary())
      fail("token ", id, " is outside the tokenizer's vocabulary of ", vocabulary());
  }
};

/// One token per byte: nothing to train, nothing to load, every file round-trips.
class Bytes final : public Tokenizer {
 public:
  using Tokenizer::decode;
  using Tokenizer::encode;

  Index vocabulary() const override { return 256; }
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
    ids.reserve(ids.size() + text.size());
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  }
  void decode(std::span<const std::int32_t> ids, std::string& text) const override {
    for (const std::int32_t id : ids) {
      require_id(id);
      text += static_cast<char>(static_cast<unsigned char>(id));
    }
  }
  std::string serialized() const override { return {}; }
  std::size_t safe_cut(std::string_view text, std::size_t at) const override {
    return std::min(at, text.size());
  }
};

OPTIFORM_NAMESPACE_END
