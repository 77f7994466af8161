// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <optiform/io/token_shards.hpp>
#include <optiform/training/token_view.hpp>

#include "load_tokenizer.hpp"
#include "options.hpp"

/// The texts of a run as tokens.
struct Data {
  /// Of token shards, so many are looked at before the run: by the baseline and the checksum.
  static constexpr optiform::Index most_in_memory = 1 << 24;

  std::unique_ptr<optiform::Tokenizer> tokenizer;
  std::vector<std::int32_t> training, validation;  ///< of shards, the beginning
  std::optional<optiform::TokenShards> shards;
  optiform::Index size = 0;  ///< tokens to train on

  optiform::TokenView source() const;
};

/// What the tokenizer option says, where that needs no training: null for bpe:PIECES.
std::unique_ptr<optiform::Tokenizer> known_tokenizer(const std::string& tokenizer);

/// Settles the size of the token table; throws optiform::Error if the tokenizer needs more.
void resolve_vocabulary(Options& options, const optiform::Tokenizer* known);

/// Tokens of a text or of token shards, as an option names them.
std::vector<std::int32_t> read_tokens(const std::string& name, const optiform::Tokenizer& tokenizer,
                                      int threads);

/// The tokens that a run is validated on: its validation text, or the end of its data.
std::vector<std::int32_t> read_validation_tokens(const Options& options,
                                                 const optiform::Tokenizer& tokenizer);

/// Reads and tokenizes the texts; trains the tokenizer on the training text if there is none yet.
Data read_data(const Options& options, std::unique_ptr<optiform::Tokenizer> tokenizer);
