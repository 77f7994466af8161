// SPDX-License-Identifier: MIT
#pragma once

#include "runs.hpp"

/// How the runs of a study are started.
struct LaunchOptions {
  int jobs = 1;                   ///< runs at a time
  double minutes = 0;             ///< then all are told to save and leave; 0: never
  std::filesystem::path outputs;  ///< folder of what the runs say
};

/// How that ended.
struct LaunchEnd {
  int signal = 0;  ///< that interrupted it; 0: none
  int failures = 0;
};

/// Runs what is not finished, each run a process of its own that can be resumed. A signal or the
/// end of the time lets all of them save and leave; one that fails does not stop the others.
LaunchEnd launch(std::vector<StudyRun*> runs, const LaunchOptions& options);
