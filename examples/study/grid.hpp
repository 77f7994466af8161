// SPDX-License-Identifier: MIT
#pragma once

#include "../pretrain/config_file.hpp"

/// One column of a study: what makes its runs differ from the others.
struct Cell {
  std::string name;   ///< also of its run directories
  std::string group;  ///< cells of a group share a figure of curves
  std::vector<ConfigEntry> options;
};

/// What a study runs: every cell with every seed, the same budget for all.
///
///   seeds = [1, 2]
///   reference = "vanilla"     # the cell that the others are compared with
///   [options]                 # of every run, as pretrain's
///   steps = 4000
///   [[cell]]
///   name = "vanilla"
///   rule = "vanilla"          # and other options of pretrain
struct Grid {
  std::vector<std::int64_t> seeds;
  std::string reference;
  std::vector<ConfigEntry> options;
  std::vector<Cell> cells;
};

/// Reads a grid from a TOML file. Throws optiform::Error with file and line.
Grid read_grid(const std::string& path);
