// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include <optiform/training/log_reader.hpp>

#include "corpus.hpp"
#include "grid.hpp"

/// The middle one of at least one value, or the mean of the middle two.
double median(std::vector<double> values);

/// One cell of a study with one seed: a run of pretrain in a directory of its own.
struct StudyRun {
  const Cell* cell = nullptr;
  std::int64_t seed = 0;
  std::string name;                    ///< CELL-SEED
  std::vector<std::string> arguments;  ///< of pretrain
  std::string configuration;           ///< those that the grid names, as one line
  Options options;                     ///< what it makes of them
  optiform::Index parameters = 0;
  std::vector<optiform::LogRow> log;  ///< as far as it has come
  bool finished = false;

  optiform::Index tokens_per_step() const {
    return options.accumulate * options.batch * options.length;
  }
  std::int64_t step() const { return log.empty() ? 0 : log.back().step; }
  double validation_loss() const;  ///< the last one; NaN before the first
  /// Median over the steps logged in [first, last) of the time a training step took.
  double milliseconds_per_step(std::size_t first, std::size_t last) const;
  double milliseconds_per_step() const { return milliseconds_per_step(0, log.size()); }

  /// Reads how far the run has come.
  void refresh();
};

/// Throws optiform::Error for a cell that no run can be made of, whatever the text, and for one
/// whose runs train on more or fewer tokens than those of the first.
void check_cells(const Grid& grid);

/// All runs in the order in which they are run: seed by seed, so that every cell has one result
/// before any has two. Throws optiform::Error for options that pretrain refuses, and for a
/// directory in which a run was begun with others.
std::vector<StudyRun> plan_runs(const Grid& grid, const Corpus& corpus,
                                const std::filesystem::path& directory, int threads);

/// Tokens of a training step of the grid's reference.
optiform::Index reference_tokens(const Grid& grid, const std::vector<StudyRun>& runs);

/// What a run of the grid would be told by its [options] alone.
Options common_options(const Grid& grid);
