// SPDX-License-Identifier: MIT
#pragma once

#include "summary.hpp"

/// Draws curves-GROUP.png, differences.png and loss-against-time.png into a folder and returns the
/// names of those for which there was anything to draw. Time is steps x measured time of a step, or
/// without `times` what the logs tell. Throws optiform::Error, also where gnuplot is not installed.
std::vector<std::string> draw_figures(const std::filesystem::path& folder, const Grid& grid,
                                      const std::vector<StudyRun>& runs, const StepTimes* times);
