// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/io/byte_pair_merge.hpp>
#include <optiform/io/byte_pair_split.hpp>
#include <optiform/io/tokenizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// GPT-2's tokenizer: byte-pair encoding of the pieces that its pattern cuts.
///
///   const auto gpt2 = BytePair::load("gpt2");   // vocab.json, merges.txt or a .tiktoken file
///   gpt2.encode("Hello, world");                // 15496, 11, 995
///
/// Contract  the tokens of OpenAI's encoder and of tiktoken's encode_ordinary: the text
///           "<|endoftext|>" is text; the token is end_of_text(). Every byte string comes back.
/// Limits    GPT-2's pattern only: of the .tiktoken files those of r50k and p50k. Letters, numbers
///           and spaces are those of Unicode 16.0, as tiktoken 0.14 has them.
/// Errors    a damaged or incomplete vocabulary is an Error.
/// Source    Sennrich, Haddow, Birch, "Neural machine translation of rare words", ACL 2016;
///           Radford et al., "Language models are unsupervised multitask learners", 2019.
class BytePair final : public Tokenizer {
 public:
  using Tokenizer::decode;
  using Tokenizer::encode;

  /// Reads a .tiktoken file, one of the two files vocab.json and merges.txt (or encoder.json and
  /// vocab.bpe; a prefix may precede both names) with the other beside it, or the directory.
  static BytePair load(const std::filesystem::path& path) {
    return BytePair(detail::byte_pair_file(path), path.string());
  }

  /// Whether a name promises what load() reads; other files tell by their bytes.
  static bool loads(const std::filesystem::path& path) {
    std::error_code error;
    const std::string name = path.filename().string();
    for (const auto& [vocabulary, merges] : detail::byte_pair_names)
      if (name.ends_with(vocabulary) || name.ends_with(merges)) return true;
    return name.ends_with(".tiktoken") || std::filesystem::is_directory(path, error);
  }

  /// Takes the bytes of a .tiktoken file or of serialized(); `name` is for messages.
  BytePair(std::string model, const std::string& name) : serialized_(std::move(model)) {
    auto read = detail::BytePairReader(serialized_, name).read();
    std::size_t bytes = 0;
    for (const auto& token : read.tokens) bytes += token.size();
    bytes_.reserve(bytes);
    begin_.reserve(read.tokens.size() + 1);
    for (const auto& token : read.tokens) {
      begin_.push_back(bytes_.size());
      bytes_ += token;
    }
    begin_.push_back(bytes_.size());
    end_of_text_ = read.end_of_text;
    std::fill_n(byte_id_, 256, -1);
    for (std::int32_t id = 0; id < vocabulary(); ++id)
      if (token(id).size() == 1) byte_id_[static_cast<unsigned char>(token(id)[0])] = id;
    for (int byte = 0; byte < 256; ++byte)
      if (byte_id_[byte] < 0)
        fail("tokenizer ", in_quotes(name), " is no byte-pair vocabulary, or it is damaged: byte ",
             byte, " has no token");
    merges_.fill(read.merges);
    words_.reserve(read.tokens.size());
    detail::PieceMerger merge(merges_);
    std::vector<std::int32_t> ids;
    for (std::int32_t id = 0; id < vocabulary(); ++id) {
      if (id == end_of_text_) continue;
      ids.clear();
      if (!read.whole_words) merge(token(id), byte_id_, ids);
      if (read.whole_words || (ids.size() == 1 && ids[0] == id)) words_.add(token(id), id);
    }
  }
  BytePair(const BytePair&) = delete;  // words_ views bytes_

  /// Whether the bytes of a file look like a vocabulary that this class reads.
  static bool recognises(std::string_view model) {
    const std::string_view line = model.substr(0, std::min(model.find('\n'), model.size()));
    const std::size_t space = line.find(' ');
    return model.starts_with('{') ||
           (space != std::string_view::npos && space + 1 < line.size() &&
            line.find_first_not_of("0123456789\r", space + 1) == std::string_view::npos);
  }

  Index vocabulary() const override { return static_cast<Index>(begin_.size()) - 1; }
  std::int32_t end_of_text() const override { return end_of_text_; }
  std::string serialized() const override { return serialized_; }
  std::size_t safe_cut(std::string_view text, std::size_t at) const override {
    return detail::piece_border(text, at);
  }

  void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
    detail::PieceMerger merge(merges_);
    for (std::size_t at = 0, end; at < text.size(); at = end) {
      end = detail::piece_end(text, at);
      const auto piece = text.substr(at, end - at);
      const std::int32_t word = words_(piece);
      if (word >= 0)
        ids.push_back(word);
      else
        merge(piece, byte_id_, ids);
    }
  }

  void decode(std::span<const std::int32_t> ids, std::string& text) const override {
    for (const std::int32_t id : ids) {
      require_id(id);
      text += token(id);
    }
  }

 private:
  std::string_view token(std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(bytes_).substr(begin_[i], begin_[i + 1] - begin_[i]);
  }

  std::string serialized_, bytes_;
  std::vector<std::size_t> begin_;
  std::int32_t byte_id_[256], end_of_text_ = -1;
  detail::MergeTable merges_;
  detail::WordTable words_;
};

OPTIFORM_NAMESPACE_END
