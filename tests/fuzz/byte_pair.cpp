// SPDX-License-Identifier: MIT
#include <cstring>

#include <optiform/io/byte_pair.hpp>

#include "input.hpp"

// A vocabulary that is accepted must give back every text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::parse([&] {
    const optiform::BytePair tokenizer(std::string(fuzz::as_text(data, size)), "input");
    const auto text = fuzz::as_text(data, size).substr(0, 300);
    if (tokenizer.decode(tokenizer.encode(text)) != text) std::abort();
    if (optiform::BytePair(tokenizer.serialized(), "again").encode(text) != tokenizer.encode(text))
      std::abort();
  });
}
