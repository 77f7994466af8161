// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include <optiform/training/log.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The rows of a training log from its text; empty cells are NaN.
///
/// Contract  a last line without its end, as a kill leaves it, is no row.
/// Errors    Error names `source` and the line of the first fault.
inline std::vector<LogRow> parse_log(std::string_view text, const std::string& source) {
  std::size_t number = 0;
  const auto refuse = [&](const auto&... parts) {
    fail("cannot use the log ", source, ", line ", number, ": ", parts...);
  };
  std::vector<LogRow> rows;
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos && number > 0) break;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (++number == 1) {
      const std::string_view header = CsvLog::header;
      if (line != header.substr(0, header.size() - 1)) refuse("it does not begin as a log does");
      continue;
    }
    constexpr std::size_t columns = 8;
    double values[columns] = {};
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string_view cell = line.substr(0, line.find(','));
      if ((cell.size() == line.size()) != (column + 1 == columns))
        refuse("expected ", columns, " cells");
      values[column] = std::nan("");
      const auto [rest, error] =
          std::from_chars(cell.data(), cell.data() + cell.size(), values[column]);
      if (!cell.empty() && (error != std::errc{} || rest != cell.data() + cell.size()))
        refuse("cell ", column + 1, " is ", in_quotes(std::string(cell)), ", expected a number");
      line.remove_prefix(std::min(line.size(), cell.size() + 1));
    }
    constexpr double most = 0x1p53;
    for (const double count : {values[0], values[1]})
      if (!(count >= 0 && count <= most) || count != std::floor(count))
        refuse("steps and tokens are ", values[0], " and ", values[1], ", expected whole numbers");
    if (!rows.empty() && static_cast<double>(rows.back().step) >= values[0])
      refuse("step ", values[0], " follows step ", rows.back().step);
    rows.push_back({.step = static_cast<std::int64_t>(values[0]),
                    .tokens = static_cast<std::int64_t>(values[1]),
                    .training_loss = values[2],
                    .validation_loss = values[3],
                    .learning_rate = values[4],
                    .gradient_norm = values[5],
                    .tokens_per_second = values[6],
                    .seconds = values[7]});
  }
  return rows;
}

/// The rows of a training log; of a run that goes on, those written so far.
///
/// Errors    as parse_log, and Error for a file that cannot be read.
inline std::vector<LogRow> read_log(const std::filesystem::path& path) {
  return parse_log(read_file(path), in_quotes(path));
}

OPTIFORM_NAMESPACE_END
