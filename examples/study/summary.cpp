// SPDX-License-Identifier: MIT
#include "summary.hpp"

#include <algorithm>
#include <cstdarg>
#include <numeric>

using namespace optiform;

namespace {

/// Appends as printf does.
[[gnu::format(printf, 2, 3)]] void add(std::string& text, const char* format, ...) {
  char line[400];
  std::va_list arguments;
  va_start(arguments, format);
  const int size = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  text.append(line, static_cast<std::size_t>(std::clamp<int>(size, 0, sizeof line - 1)));
}

/// "3.9123 ± 0.0021", half the range; a single value stands alone.
std::string with_spread(bool sign, const Spread& spread, std::size_t seeds) {
  std::string text = sign && spread.mean >= 0 ? "+" : "";
  add(text, "%.4f", spread.mean);
  if (seeds > 1) add(text, " ± %.4f", (spread.highest - spread.lowest) / 2);
  return text;
}

const StudyRun* finished_run(const std::vector<StudyRun>& runs, const std::string& cell,
                             std::int64_t seed) {
  for (const StudyRun& run : runs)
    if (run.finished && run.cell->name == cell && run.seed == seed) return &run;
  return nullptr;
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {std::nan(""), std::nan(""), std::nan("")};
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  return {std::accumulate(values.begin(), values.end(), 0.) / static_cast<double>(values.size()),
          *lowest, *highest};
}

Summary summarise(const Grid& grid, const std::vector<StudyRun>& runs, const StepTimes* times) {
  Summary all{{}, reference_tokens(grid, runs), times};
  for (const Cell& cell : grid.cells) {
    CellSummary summary;
    summary.cell = &cell;
    std::vector<double> losses, logged;
    for (const std::int64_t seed : grid.seeds) {
      const StudyRun* const run = finished_run(runs, cell.name, seed);
      if (run == nullptr) continue;
      summary.runs.push_back(run);
      losses.push_back(run->validation_loss());
      logged.push_back(run->milliseconds_per_step() * static_cast<double>(all.tokens) /
                       static_cast<double>(run->tokens_per_step()));
      if (const StudyRun* other = finished_run(runs, grid.reference, seed))
        summary.differences.push_back(run->validation_loss() - other->validation_loss());
    }
    if (losses.empty()) continue;
    summary.validation_loss = spread_of(losses);
    summary.milliseconds_per_step =
        times != nullptr ? times->find(cell.name)->milliseconds : spread_of(logged).mean;
    all.cells.push_back(std::move(summary));
  }
  return all;
}

std::string rows_csv(const std::vector<StudyRun>& runs) {
  std::string text =
      "cell,seed,step,training_loss,validation_loss,seconds,milliseconds_per_step,parameters\n";
  for (const StudyRun& run : runs) {
    std::size_t first = 0;  // of the steps since the last validation
    for (std::size_t i = 0; i < run.log.size(); ++i) {
      const LogRow& row = run.log[i];
      if (!std::isfinite(row.validation_loss)) continue;
      double loss = 0;
      for (std::size_t k = first; k <= i; ++k) loss += run.log[k].training_loss;
      add(text, "%s,%lld,%lld,", run.cell->name.c_str(), static_cast<long long>(run.seed),
          static_cast<long long>(row.step));
      if (row.step > 0) add(text, "%.9g", loss / static_cast<double>(i + 1 - first));
      add(text, ",%.9g,%.9g,", row.validation_loss, row.seconds);
      if (row.step > 0) add(text, "%.6g", run.milliseconds_per_step(first, i + 1));
      add(text, ",%lld\n", static_cast<long long>(run.parameters));
      first = i + 1;
    }
  }
  return text;
}

std::string summary_csv(const Summary& summary) {
  std::string text =
      "cell,group,seeds,parameters,validation_loss,lowest,highest,pairs,difference,"
      "difference_lowest,difference_highest,";
  text += summary.times != nullptr ? "milliseconds_per_step,time_ratio\n"
                                   : "logged_milliseconds_per_step\n";
  for (const CellSummary& cell : summary.cells) {
    add(text, "%s,%s,%zu,%lld,%.9g,%.9g,%.9g,%zu,", cell.cell->name.c_str(),
        cell.cell->group.c_str(), cell.runs.size(),
        static_cast<long long>(cell.runs[0]->parameters), cell.validation_loss.mean,
        cell.validation_loss.lowest, cell.validation_loss.highest, cell.differences.size());
    const Spread difference = spread_of(cell.differences);
    if (cell.differences.empty())
      text += ",,";
    else
      add(text, "%.9g,%.9g,%.9g", difference.mean, difference.lowest, difference.highest);
    add(text, ",%.6g", cell.milliseconds_per_step);
    if (summary.times != nullptr) add(text, ",%.6g", summary.times->find(cell.cell->name)->ratio);
    text += '\n';
  }
  return text;
}

std::string summary_markdown(const Summary& summary, const Grid& grid) {
  std::string text;
  add(text, "| cell | parameters | validation loss | difference to %s | seeds | ",
      grid.reference.c_str());
  add(text, "ms per %lld tokens", static_cast<long long>(summary.tokens));
  if (summary.times != nullptr)
    add(text, " | training time relative to that of %s |\n", grid.reference.c_str());
  else
    text += " as logged |\n";
  text += summary.times != nullptr ? "|---|---:|---:|---:|---:|---:|---:|\n"
                                   : "|---|---:|---:|---:|---:|---:|\n";
  for (const CellSummary& cell : summary.cells) {
    const bool compared = cell.cell->name != grid.reference && !cell.differences.empty();
    add(text, "| %s | %lld | %s | %s | %zu | %.1f |", cell.cell->name.c_str(),
        static_cast<long long>(cell.runs[0]->parameters),
        with_spread(false, cell.validation_loss, cell.runs.size()).c_str(),
        compared ? with_spread(true, spread_of(cell.differences), cell.differences.size()).c_str()
                 : "",
        cell.runs.size(), cell.milliseconds_per_step);
    if (summary.times != nullptr) {
      const CellTime& time = *summary.times->find(cell.cell->name);
      add(text, " %.3f (%.3f to %.3f) |", time.ratio, time.lowest, time.highest);
    }
    text += '\n';
  }
  return text;
}
