// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include "../pretrain/options.hpp"

/// The texts of a study, tokenized once for all of its runs; named as pretrain's options name them.
struct Corpus {
  std::string training, validation, tokenizer;
};

/// Finds the corpus in a study's directory, or makes it from the texts that `options` name: their
/// tokenizer is trained if need be. Throws optiform::Error, also for texts other than before.
Corpus prepare_corpus(const std::filesystem::path& directory, const Options& options);
