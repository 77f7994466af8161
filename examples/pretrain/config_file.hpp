// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "options.hpp"

/// One `key = value` of a configuration file, the value as one writes it on a command line.
struct ConfigEntry {
  std::string key, value;
  int line = 0;
  bool single = true;  ///< false for tables and arrays, which no option takes
};

/// Reads a TOML file of plain keys. Throws optiform::Error with file and line.
std::vector<ConfigEntry> read_config(const std::string& path);

/// The options as such a file.
std::string to_toml(const Options& options);
