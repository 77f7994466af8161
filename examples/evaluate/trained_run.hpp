// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <optiform/training/run_state.hpp>

#include "../pretrain/data.hpp"
#include "../pretrain/models.hpp"

/// A finished run of pretrain: its options, its tokenizer, and as many copies of its model as
/// measurements want, each in its own sizes.
class TrainedRun {
 public:
  /// Throws optiform::Error if the directory holds no run or the run no checkpoint.
  TrainedRun(const std::string& directory, int threads);

  const Options& options() const { return options_; }
  const optiform::Tokenizer& tokenizer() const { return *tokenizer_; }

  /// The tokens that the run was validated on. Throws optiform::Error if its text is gone or
  /// another one now.
  std::vector<std::int32_t> validation_text() const;

  /// The numbers of a model that takes [batch, length] tokens.
  ModelNumbers numbers(optiform::Index batch, optiform::Index length) const;
  /// That model with the run's parameters (their average, if the run kept one).
  TrainerPointer model(const ModelNumbers& numbers, optiform::Purpose purpose) const;

 private:
  std::filesystem::path directory_;
  Options options_;
  std::unique_ptr<optiform::Tokenizer> tokenizer_;
  std::string validation_checksum_;  ///< empty: not known
};
