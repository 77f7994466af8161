// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <optiform/training/interrupt.hpp>

#include "runs.hpp"

/// How long a cell trains on as many tokens as a step of the reference has.
struct CellTime {
  std::string cell, configuration;            ///< checksum of StudyRun::configuration
  double ratio = 1, lowest = 1, highest = 1;  ///< to the reference: median and range over rounds
  double milliseconds = 0;                    ///< the ratio times the reference's median
};

/// How cells are timed. A round is a short training of every cell in turn; each round begins with
/// another cell.
struct TimingProtocol {
  int rounds = 5, steps = 10;  ///< at least so many steps of each cell and round,
  double milliseconds = 200;   ///< and as many as take so long
  int warm_up = 2;             ///< steps before those: memory is touched, threads are awake
  int threads = 0;             ///< 0: all cores
};

/// The step times of a study, all measured together; times.csv.
struct StepTimes {
  std::string reference;
  TimingProtocol protocol;
  optiform::Index tokens = 0;  ///< of a step of the reference
  std::vector<CellTime> cells;

  /// Null for a cell that was not measured.
  const CellTime* find(const std::string& cell) const;
  /// Whether they are of these runs, as the grid has them now.
  bool fit(const Grid& grid, const std::vector<StudyRun>& runs) const;
};

/// Times the cells of a grid; empty if it was interrupted. Nothing of a run is changed. Throws
/// optiform::Error.
///
/// Limits    steps are those at the beginning of a run, at a rate of zero: each is the same work.
std::optional<StepTimes> measure_times(const Grid& grid, const std::vector<StudyRun>& runs,
                                       const TimingProtocol& protocol,
                                       const optiform::Interrupt& interrupt);

std::string times_csv(const StepTimes& times);

/// Reads times.csv. Throws optiform::Error with the line.
StepTimes read_times(const std::filesystem::path& path);
