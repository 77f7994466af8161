// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <optiform/io/byte_pair.hpp>
#include <optiform/io/sentencepiece.hpp>

/// Reads a SentencePiece model or GPT-2's vocabulary: a file, or the folder of its files.
inline std::unique_ptr<optiform::Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  using namespace optiform;
  if (BytePair::loads(path)) return std::unique_ptr<Tokenizer>(new BytePair(BytePair::load(path)));
  std::string model = read_small_file(path, 256'000'000, "tokenizer");
  if (BytePair::recognises(model))
    return std::make_unique<BytePair>(std::move(model), path.string());
  return std::make_unique<SentencePiece>(std::move(model), path.string());
}
