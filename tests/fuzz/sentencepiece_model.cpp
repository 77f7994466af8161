// SPDX-License-Identifier: MIT
#include <optiform/io/sentencepiece.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::parse([&] {
    const optiform::SentencePiece tokenizer(std::string(fuzz::as_text(data, size)), "input");
    const auto ids = tokenizer.encode("the sea\n\xE2\x82\xAC rose");
    tokenizer.decode(ids);
  });
}
