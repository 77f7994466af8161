// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <optiform/training/log_reader.hpp>

/// One run as the figure and the table see it.
struct Run {
  std::string title;
  std::vector<optiform::LogRow> log;          ///< every step
  std::vector<optiform::LogRow> validations;  ///< the rows with a validation; never empty
  double best = 0;                            ///< lowest validation loss
};

/// Reads the log of a run directory. Throws optiform::Error.
Run read_run(const std::string& directory);

/// Draws validation loss against tokens and against seconds into a .png or .svg file; `time` says
/// what the seconds are. Throws optiform::Error.
void draw(const std::string& path, const std::vector<Run>& runs,
          const std::string& time = "training time");
