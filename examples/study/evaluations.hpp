// SPDX-License-Identifier: MIT
#pragma once

#include "launch.hpp"

/// How finished runs are measured.
struct EvaluationOptions {
  EvaluationOptions(std::vector<std::string> all, int number_of_threads,
                    const std::filesystem::path& evaluations);

  std::vector<std::string> arguments;  ///< of evaluate, behind the run
  int threads;                         ///< 0: all cores
  std::string line;                    ///< the arguments, and the sizes and ages of files they name
  std::filesystem::path folder;        ///< of that line: a file per run with what evaluate printed
};

/// Lets evaluate measure these runs, one after the other, but for those that it has measured with
/// the same arguments before and that have not been trained again since. One that fails does not
/// stop the others.
LaunchEnd evaluate_runs(const std::vector<StudyRun*>& runs, const EvaluationOptions& options);

/// What evaluate has found with these arguments.
struct Evaluations {
  std::vector<std::string> keys;  ///< in the order of the first run that has them
  struct Row {
    const StudyRun* run;
    std::vector<double> values;  ///< of the keys; NaN where the run has none
  };
  std::vector<Row> rows;  ///< as the runs are ordered
};
Evaluations read_evaluations(const std::vector<StudyRun>& runs, const EvaluationOptions& options);

/// A row per run.
std::string evaluations_csv(const Evaluations& evaluations);
/// A row per cell: means over seeds, behind ± half the range.
std::string evaluations_markdown(const Evaluations& evaluations, const Grid& grid);
