// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <iterator>

#include <optiform/io/byte_pair_classes.hpp>
#include <optiform/io/utf8.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Numbered as in byte_pair_classes.hpp.
enum class CharacterClass : std::uint8_t { other, letter, number, space };

constexpr CharacterClass class_of(char32_t point) {
  const auto* const next = std::upper_bound(std::begin(character_runs), std::end(character_runs),
                                            static_cast<std::uint32_t>(point) * 4 + 3);
  return static_cast<CharacterClass>(*std::prev(next) & 3u);
}

inline constexpr auto ascii_classes = [] {
  std::array<CharacterClass, 128> classes{};
  for (char32_t c = 0; c < 128; ++c) classes[c] = class_of(c);
  return classes;
}();

struct Character {
  CharacterClass kind;
  std::size_t bytes;
};

/// A byte that begins no well-formed character is a character of class other.
inline Character character_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {ascii_classes[lead], 1};
  const auto rest = text.substr(at, 4);
  const std::size_t length = utf8_length(rest);
  if (length == 0) return {CharacterClass::other, 1};
  return {class_of(utf8_code_point(rest, length)), length};
}

/// The class of the character that ends where the ASCII character at `end` begins.
inline CharacterClass class_before(std::string_view text, std::size_t end) {
  std::size_t lead = end - 1;
  while (lead > 0 && end - lead < 4 && (static_cast<unsigned char>(text[lead]) & 0xC0) == 0x80)
    --lead;
  const Character c = character_at(text, lead);
  return lead + c.bytes == end ? c.kind : CharacterClass::other;
}

/// Where the piece that starts at `at` ends, by GPT-2's pattern:
///
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
inline std::size_t piece_end(std::string_view text, std::size_t at) {
  if (text[at] == '\'' && at + 1 < text.size()) {
    const char next = text[at + 1];
    if (next == 's' || next == 't' || next == 'm' || next == 'd') return at + 2;
    const auto pair = text.substr(at + 1, 2);
    if (pair == "re" || pair == "ve" || pair == "ll") return at + 3;
  }
  Character c = character_at(text, at);
  std::size_t end = at + c.bytes;
  if (text[at] == ' ' && end < text.size()) {
    const Character next = character_at(text, end);
    if (next.kind != CharacterClass::space) {
      c = next;
      end += next.bytes;
    }
  }
  std::size_t last = at;  // where the run's last character begins
  for (const CharacterClass kind = c.kind; end < text.size(); end += c.bytes) {
    c = character_at(text, end);
    if (c.kind != kind) {
      // Before a word, the last space is the word's.
      return kind == CharacterClass::space && last > at ? last : end;
    }
    last = end;
  }
  return end;
}

/// The first position from `at` on where white space follows a character that is none. Pieces
/// always end there, whatever stands before or behind.
inline std::size_t piece_border(std::string_view text, std::size_t at) {
  for (at = std::max<std::size_t>(at, 1); at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80 && ascii_classes[byte] == CharacterClass::space &&
        class_before(text, at) != CharacterClass::space)
      return at;
  }
  return text.size();
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
