// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>

#include <optiform/io/tokenizer.hpp>

#include "options.hpp"

/// The texts of a run as tokens.
struct Data {
  std::unique_ptr<optiform::Tokenizer> tokenizer;
  std::vector<std::int32_t> training, validation;
};

/// What the tokenizer option says, where that needs no training: null for bpe:PIECES.
std::unique_ptr<optiform::Tokenizer> known_tokenizer(const std::string& tokenizer);

/// Reads a SentencePiece model or GPT-2's vocabulary: a file, or the folder of its files.
std::unique_ptr<optiform::Tokenizer> load_tokenizer(const std::filesystem::path& path);

/// Settles the size of the token table; throws optiform::Error if the tokenizer needs more.
void resolve_vocabulary(Options& options, const optiform::Tokenizer* known);

/// Reads and tokenizes the texts; trains the tokenizer on the training text if there is none yet.
Data read_data(const Options& options, std::unique_ptr<optiform::Tokenizer> tokenizer);
