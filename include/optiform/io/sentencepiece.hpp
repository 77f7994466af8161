// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdio>
#include <unordered_map>

// Link with libsentencepiece and, for `train`, libsentencepiece_train.
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <optiform/io/tokenizer.hpp>
#include <optiform/io/utf8.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The lines of a text as SentencePiece wants to be fed, long ones cut.
class SentencePieceLines final : public sentencepiece::SentenceIterator {
 public:
  /// Reads about `budget` bytes: all of a small text, evenly spread windows of a large one.
  SentencePieceLines(std::string_view text, std::size_t budget) : text_(text) {
    constexpr std::size_t windows = 64;
    if (text.size() > budget) {
      window_ = budget / windows;
      stride_ = text.size() / windows;
    } else {
      window_ = stride_ = text.size();
    }
    Next();
  }
  bool done() const override { return done_; }
  const std::string& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }

  void Next() override {
    constexpr std::size_t longest = 4000;  // SentencePiece skips sentences above 4192 bytes
    do {
      if (at_ >= start_ + window_) {  // to the first whole line of the next window
        start_ += stride_;
        const std::size_t line_end = text_.find('\n', start_);
        at_ = line_end >= start_ + window_ ? start_ : line_end + 1;
      }
      if (stride_ == 0 || at_ >= text_.size()) {
        done_ = true;
        return;
      }
      std::size_t end = std::min({text_.find('\n', at_), start_ + window_, text_.size()});
      if (end - at_ > longest) {
        const std::size_t space = text_.rfind(' ', at_ + longest);
        end = space != std::string_view::npos && space > at_ ? space : at_ + longest;
      }
      line_ = text_.substr(at_, end - at_);
      at_ = end + (end < text_.size() && text_[end] == '\n' ? 1 : 0);
    } while (line_.empty());
  }

 private:
  std::string_view text_;
  std::size_t window_ = 0, stride_ = 0, start_ = 0, at_ = 0;
  std::string line_;
  bool done_ = false;
};

}  // namespace detail

/// Sub-word tokens by SentencePiece: trained here, or loaded from any of its models.
///
/// Contract  a model trained here gives back every file byte for byte: no normalisation, bytes
///           as the fallback for rare characters, newlines are tokens of their own.
/// Limits    a foreign model may normalise, or lack byte pieces; then decoding is only similar.
/// Errors    a damaged model or a text too small to train on is an Error.
/// Source    Kudo, Richardson, "SentencePiece", EMNLP 2018.
class SentencePiece final : public Tokenizer {
 public:
  using Tokenizer::decode;
  using Tokenizer::encode;

  /// Takes the bytes of a .model file; `name` is for messages.
  SentencePiece(std::string model, const std::string& name) : model_(std::move(model)) {
    silence();
    bool loaded = false;
    try {
      loaded = processor_.LoadFromSerializedProto(model_).ok() && processor_.GetPieceSize() >= 2;
    } catch (const std::exception&) {  // of the trie below, for an empty piece
    }
    if (!loaded) fail("tokenizer '", name, "' is no SentencePiece model, or it is damaged");
    for (int byte = 0; byte < 256; ++byte) {
      char piece[8];
      std::snprintf(piece, sizeof piece, "<0x%02X>", static_cast<unsigned>(byte));
      const int id = processor_.PieceToId(piece);
      const bool known = id >= 0 && id < processor_.GetPieceSize() && processor_.IsByte(id);
      byte_id_[byte] = known ? id : -1;
      if (known) byte_of_.emplace(id, static_cast<char>(byte));
    }
  }

  /// Byte-pair encoding of `pieces` pieces, learned from at most `budget` bytes of `text`.
  static SentencePiece train(std::string_view text, Index pieces, std::size_t budget = 10 << 20) {
    detail::SentencePieceLines lines(text, budget);
    std::string model;
    const auto status = sentencepiece::SentencePieceTrainer::Train(
        std::unordered_map<std::string, std::string>{{"model_type", "bpe"},
                                                     {"vocab_size", std::to_string(pieces)},
                                                     {"byte_fallback", "true"},
                                                     {"normalization_rule_name", "identity"},
                                                     {"add_dummy_prefix", "false"},
                                                     {"remove_extra_whitespaces", "false"},
                                                     {"unk_id", "0"},
                                                     {"bos_id", "-1"},
                                                     {"eos_id", "-1"},
                                                     {"pad_id", "-1"},
                                                     {"num_threads", "1"},
                                                     {"minloglevel", "4"}},
        &lines, &model);
    if (!status.ok())
      fail("cannot learn ", pieces, " pieces from a text of ", text.size(),
           " bytes; expected a longer text, another number of pieces, or the bytes tokenizer");
    return SentencePiece(std::move(model), "trained");
  }

  Index vocabulary() const override { return processor_.GetPieceSize(); }
  std::string serialized() const override { return model_; }

  /// After a line end: lines never share a token.
  std::size_t safe_cut(std::string_view text, std::size_t at) const override {
    const std::size_t line_end = text.find('\n', std::min(at, text.size()));
    return line_end == std::string_view::npos ? text.size() : line_end + 1;
  }

  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
    std::vector<int> pieces;
    while (!text.empty()) {
      const std::size_t size = safe_cut(text, 512);  // the encoder's queue then stays in cache
      encode_chunk(text.substr(0, size), ids, pieces);
      text.remove_prefix(size);
    }
  }

  void decode(std::span<const std::int32_t> ids, std::string& text) const override {
    constexpr std::string_view space = "\xe2\x96\x81", replacement = "\xef\xbf\xbd";
    for (const std::int32_t id : ids) {
      require_id(id);
      if (const auto byte = byte_of_.find(id); byte != byte_of_.end()) {
        text += byte->second;
      } else if (processor_.IsUnknown(id)) {
        text += replacement;
      } else if (!processor_.IsControl(id)) {
        std::string_view piece = processor_.IdToPiece(id);
        for (std::size_t at; (at = piece.find(space)) != std::string_view::npos;) {
          text.append(piece.substr(0, at)).append(1, ' ');
          piece.remove_prefix(at + space.size());
        }
        text += piece;
      }
    }
  }

 private:
  /// The library has no other switch for its log; an unknown key sets the level and stops.
  static void silence() {
    static_cast<void>(sentencepiece::SentencePieceTrainer::Train(
        std::unordered_map<std::string, std::string>{{"minloglevel", "4"}, {"", ""}}));
  }

  /// Characters that SentencePiece would replace (malformed UTF-8, its own space mark) become
  /// byte tokens here, so that decoding restores them.
  void encode_chunk(std::string_view chunk, std::vector<std::int32_t>& ids,
                    std::vector<int>& pieces) const {
    std::size_t begin = 0, at = 0;
    const auto flush = [&] {
      if (at == begin) return;
      const auto run = chunk.substr(begin, at - begin);
      if (!processor_.Encode(run, &pieces).ok()) fail("the tokenizer cannot encode its input");
      ids.insert(ids.end(), pieces.begin(), pieces.end());
    };
    while (at < chunk.size()) {
      const auto rest = chunk.substr(at);
      const std::size_t length = detail::utf8_length(rest);
      const bool faithful = length > 0 && !rest.starts_with("\xe2\x96\x81");
      const std::size_t bytes = std::max<std::size_t>(length, 1);
      if (faithful || byte_id_[static_cast<unsigned char>(chunk[at])] < 0) {
        at += bytes;
        continue;
      }
      flush();
      for (std::size_t i = 0; i < bytes; ++i)
        ids.push_back(byte_id_[static_cast<unsigned char>(chunk[at + i])]);
      begin = at += bytes;
    }
    flush();
  }

  std::string model_;
  sentencepiece::SentencePieceProcessor processor_;
  std::int32_t byte_id_[256];
  std::unordered_map<std::int32_t, char> byte_of_;
};

OPTIFORM_NAMESPACE_END
