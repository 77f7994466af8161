// SPDX-License-Identifier: MIT
#pragma once

// A small study, as a user runs it.

#include "program.hpp"

namespace programs {

inline bool study_built() {
  const bool built = fs::exists(path("study"));
  if (!built) MESSAGE("skipped: the example programs were not built");
  return built;
}

/// Two rules and two seeds, a second each.
inline const std::string smoke = R"(
seeds = [1, 2]
[options]
shape = "study"
layers = 1
tokenizer = "bytes"
length = 16
batch = 2
steps = 40
warmup = 5
learning-rate = 1e-3
validate-every = 10
validation-blocks = 8
save-every = 10
[[cell]]
name = "vanilla"
group = "rules"
rule = "vanilla"
[[cell]]
name = "tmm"
group = "rules"
rule = "tmm"
)";

inline const Arguments with_data{"grid.toml", "--out", "study", "--data", "text.txt"};

inline std::vector<std::vector<std::string>> read_csv(const fs::path& file) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream text(read(file));
  for (std::string line; std::getline(text, line);) {
    rows.emplace_back();
    std::istringstream cells(line + ",");
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

}  // namespace programs
