// SPDX-License-Identifier: MIT
#pragma once

#include "times.hpp"

/// Mean and range over seeds.
struct Spread {
  double mean = 0, lowest = 0, highest = 0;
};
Spread spread_of(const std::vector<double>& values);

/// What the finished runs of a cell came to.
struct CellSummary {
  const Cell* cell = nullptr;
  std::vector<const StudyRun*> runs;
  Spread validation_loss;            ///< after the last step, in nats per token
  std::vector<double> differences;   ///< to the reference of the same seed, where that has finished
  double milliseconds_per_step = 0;  ///< of as many tokens as a step of the reference has
};

/// The cells with a finished run, in the order of the grid.
struct Summary {
  std::vector<CellSummary> cells;
  optiform::Index tokens = 0;        ///< of a step of the reference
  const StepTimes* times = nullptr;  ///< null: times of steps are those that the logs tell
};

/// Step times are `times` if there are any, else what the logs of finished runs tell: times of a
/// machine that did other things as well are not comparable.
Summary summarise(const Grid& grid, const std::vector<StudyRun>& runs, const StepTimes* times);

/// study.csv: a row per validation of every run.
std::string rows_csv(const std::vector<StudyRun>& runs);
/// summary.csv: a row per cell.
std::string summary_csv(const Summary& summary);
/// The same as a table in Markdown.
std::string summary_markdown(const Summary& summary, const Grid& grid);
