// SPDX-License-Identifier: MIT
#include <optiform/io/byte_pair.hpp>

#include "input.hpp"

namespace {

/// Bytes, and words that tokens of spaces, letters and line ends are merged into.
optiform::BytePair small() {
  std::string model;
  auto add = [&, rank = 0](std::string_view bytes) mutable {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
      const auto part = bytes.substr(i, 3);
      std::uint32_t bits = 0;
      for (std::size_t j = 0; j < 3; ++j)
        bits = bits << 8 | (j < part.size() ? static_cast<unsigned char>(part[j]) : 0u);
      for (std::size_t j = 0; j < 4; ++j)
        model += j <= part.size() ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    model += ' ' + std::to_string(rank++) + '\n';
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  for (const char* word : {"th", "the", " t", " the", "  ", "    ", "\n\n", " \n", "\xe3\x80",
                           "\xe3\x80\x80", "aa", "aaaa", "'s", "12"})
    add(word);
  return optiform::BytePair(std::move(model), "small");
}

}  // namespace

// Every text comes back, and cutting it where that is called safe changes no token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const optiform::BytePair tokenizer = small();
  const auto text = fuzz::as_text(data, size);
  const auto whole = tokenizer.encode(text);
  if (tokenizer.decode(whole) != text) std::abort();
  for (std::size_t at = 0; at < text.size(); ++at) {
    at = tokenizer.safe_cut(text, at);
    std::vector<std::int32_t> parts;
    tokenizer.encode(text.substr(0, at), parts);
    tokenizer.encode(text.substr(at), parts);
    if (parts != whole) std::abort();
  }
  return 0;
}
