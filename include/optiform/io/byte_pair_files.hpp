// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <nlohmann/json.hpp>

#include <optiform/io/file.hpp>
#include <optiform/io/utf8.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// A byte-pair vocabulary as its files say it.
struct BytePairModel {
  /// Two neighbours that become one token; the lowest rank goes first.
  struct Merge {
    std::int32_t left, right, id;
    std::uint32_t rank;
  };
  std::vector<std::string> tokens;  ///< bytes of token id
  std::vector<Merge> merges;
  std::int32_t end_of_text = -1;
  bool whole_words = false;  ///< a piece that is a token becomes it, whatever the merges say
};

inline constexpr std::string_view end_of_text_mark = "<|endoftext|>";

/// Reads the layouts of a vocabulary; `name` is for messages.
class BytePairReader {
 public:
  BytePairReader(std::string_view text, const std::string& name)
      : text_(text), quoted_(in_quotes(name)) {}

  BytePairModel read() {
    if (text_.empty()) refuse("the file is empty");
    if (text_.front() == '{') {
      // No JSON token begins with '#': this is where the merges begin.
      const std::size_t end = text_.find("\n#");
      if (end == std::string_view::npos)
        refuse("the merges are missing; expected a line '#version: 0.2' behind the vocabulary");
      read_vocabulary(text_.substr(0, end));
      read_merges(text_.substr(end + 1));
    } else {
      read_ranks();
    }
    return std::move(model_);
  }

 private:
  static constexpr std::size_t most_tokens = 1 << 24, longest_token = 512;

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail("tokenizer ", quoted_, " is no byte-pair vocabulary, or it is damaged: ", parts...);
  }

  template <class F>
  static void each_line(std::string_view text, F&& f) {
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      f(line, number);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  /// GPT-2 writes bytes as printable characters: those that are, as themselves; the others, in
  /// their order, from U+0100 on.
  static const std::array<int, 512>& byte_of_character() {
    static const auto table = [] {
      std::array<int, 512> bytes;
      bytes.fill(-1);
      std::size_t next = 256;
      for (std::size_t b = 0; b < 256; ++b) {
        const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        bytes[printable ? b : next++] = static_cast<int>(b);
      }
      return bytes;
    }();
    return table;
  }

  std::string bytes_of(std::string_view characters) const {
    std::string bytes;
    for (std::string_view rest = characters; !rest.empty();) {
      const std::size_t length = utf8_length(rest);
      const char32_t point = length > 0 ? utf8_code_point(rest, length) : 512;
      if (point >= 512 || byte_of_character()[point] < 0)
        refuse("token ", in_quotes(std::string(characters)),
               " has a character that stands for no byte");
      bytes += static_cast<char>(static_cast<unsigned char>(byte_of_character()[point]));
      rest.remove_prefix(length);
    }
    return bytes;
  }

  void require_length(std::string_view bytes) const {
    if (bytes.empty()) refuse("a token is empty");
    if (bytes.size() > longest_token)
      refuse("a token has ", bytes.size(), " bytes; expected at most ", longest_token);
  }

  void read_vocabulary(std::string_view text) {
    const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
    if (!json.is_object()) refuse("the vocabulary is no JSON object");
    if (json.size() > most_tokens) refuse("it has ", json.size(), " tokens");
    model_.tokens.resize(json.size());
    ids_.reserve(json.size());
    for (const auto& [characters, value] : json.items()) {
      const auto size = static_cast<std::int64_t>(json.size());
      const std::int64_t id = value.is_number_integer() ? value.get<std::int64_t>() : -1;
      if (id < 0 || id >= size)
        refuse("the id of token ", in_quotes(characters), " is not one of 0 to ", size - 1);
      auto& token = model_.tokens[static_cast<std::size_t>(id)];
      if (!token.empty()) refuse("two tokens have the id ", id);
      token = bytes_of(characters);
      require_length(token);
      ids_.emplace(characters, static_cast<std::int32_t>(id));
    }
    if (const auto end = ids_.find(std::string(end_of_text_mark)); end != ids_.end())
      model_.end_of_text = end->second;
  }

  void read_merges(std::string_view text) {
    std::unordered_set<std::uint64_t> seen;
    each_line(text, [&](std::string_view line, std::size_t number) {
      if (line.empty() || (number == 1 && line.starts_with('#'))) return;
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
        refuse("line ", number, " of the merges is not two tokens with a space between them");
      const std::string left(line.substr(0, space)), right(line.substr(space + 1));
      const std::int32_t ids[] = {find(left, number), find(right, number),
                                  find(left + right, number)};
      const auto pair =
          static_cast<std::uint64_t>(ids[0]) << 32 | static_cast<std::uint32_t>(ids[1]);
      if (!seen.insert(pair).second)
        refuse("line ", number, " of the merges repeats an earlier line");
      model_.merges.push_back(
          {ids[0], ids[1], ids[2], static_cast<std::uint32_t>(model_.merges.size())});
    });
  }

  std::int32_t find(const std::string& characters, std::size_t line) const {
    const auto found = ids_.find(characters);
    if (found == ids_.end())
      refuse("line ", line, " of the merges needs the token ", in_quotes(characters),
             ", which the vocabulary lacks");
    return found->second;
  }

  /// Lines of a token in base64 and its rank, which is its id. End-of-text takes the id left free.
  void read_ranks() {
    std::vector<std::pair<std::string, std::int64_t>> lines;
    each_line(text_, [&](std::string_view line, std::size_t number) {
      if (line.empty()) return;
      const std::size_t space = std::min(line.find(' '), line.size());
      std::int64_t rank = -1;
      const char* const end = line.data() + line.size();
      const char* const from = line.data() + std::min(space + 1, line.size());
      const auto parsed = std::from_chars(from, end, rank);
      std::string bytes = base64(line.substr(0, space));
      if (bytes.empty() || parsed.ec != std::errc{} || parsed.ptr != end || rank < 0)
        refuse("line ", number, " is not a token in base64, a space and a rank");
      require_length(bytes);
      lines.emplace_back(std::move(bytes), rank);
    });
    if (lines.size() > most_tokens) refuse("it has ", lines.size(), " tokens");
    const auto size = static_cast<std::int64_t>(lines.size()) + 1;
    model_.tokens.resize(static_cast<std::size_t>(size));
    for (auto& [bytes, rank] : lines) {
      if (rank >= size) refuse("rank ", rank, " leaves more than one id free");
      auto& token = model_.tokens[static_cast<std::size_t>(rank)];
      if (!token.empty()) refuse("two tokens have the rank ", rank);
      if (!ids_.emplace(bytes, static_cast<std::int32_t>(rank)).second)
        refuse("the token of rank ", rank, " stands there twice");
      token = std::move(bytes);
    }
    const auto free = std::find(model_.tokens.begin(), model_.tokens.end(), std::string());
    model_.end_of_text = static_cast<std::int32_t>(free - model_.tokens.begin());
    *free = end_of_text_mark;
    model_.whole_words = true;
    split_ranks();
  }

  /// Any two tokens that make up a third are merged into it.
  void split_ranks() {
    for (const auto& [bytes, id] : ids_)
      for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        const auto left = ids_.find(bytes.substr(0, cut));
        if (left == ids_.end()) continue;
        const auto right = ids_.find(bytes.substr(cut));
        if (right == ids_.end()) continue;
        model_.merges.push_back({left->second, right->second, id, static_cast<std::uint32_t>(id)});
      }
  }

  /// Empty where the text is no base64.
  static std::string base64(std::string_view text) {
    std::string bytes;
    if (text.size() % 4 != 0) return {};
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    text.remove_suffix(padding);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      constexpr std::string_view digits =
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const std::size_t digit = digits.find(text[i]);
      if (digit == std::string_view::npos) return {};
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
      if (i % 4 != 0) bytes += static_cast<char>(bits >> (6 - 2 * (i % 4)) & 0xFF);
    }
    return bytes;
  }

  std::string_view text_;
  std::string quoted_;
  BytePairModel model_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

/// Names of a vocabulary and of its merges; a prefix may precede both.
inline constexpr std::pair<std::string_view, std::string_view> byte_pair_names[] = {
    {"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

/// The files of a vocabulary as one text, which BytePairReader understands.
inline std::string byte_pair_file(std::filesystem::path path) {
  const auto read = [](const std::filesystem::path& file) {
    return read_small_file(file, 256'000'000, "byte-pair vocabulary");
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(byte_pair_names[0].first) || name.ends_with(byte_pair_names[1].first) ||
          name.ends_with(".tiktoken"))
        found.push_back(entry.path());
    }
    if (error || found.size() != 1)
      fail("directory ", in_quotes(path), " holds ", found.size(),
           " byte-pair vocabularies; expected one vocab.json, encoder.json or .tiktoken file");
    path = found.front();
  }
  const std::string name = path.filename().string();
  const auto beside = [&](std::string_view from, std::string_view to) {
    return path.parent_path() / name.substr(0, name.size() - from.size()).append(to);
  };
  for (const auto& [vocabulary, merges] : byte_pair_names) {
    if (!name.ends_with(vocabulary) && !name.ends_with(merges)) continue;
    const bool first = name.ends_with(vocabulary);
    const std::string tail = read(first ? beside(vocabulary, merges) : path);
    return read(first ? path : beside(merges, vocabulary)) +
           (tail.starts_with('#') ? "\n" : "\n#version: 0.2\n") + tail;
  }
  return read(path);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
