// SPDX-License-Identifier: MIT
#include "figures.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "../compare/runs.hpp"
#include "../support/figure.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

/// Finished runs of a cell.
std::size_t finished_runs(const Cell& cell, const std::vector<StudyRun>& runs) {
  return static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const StudyRun& run) {
    return run.finished && run.cell->name == cell.name;
  }));
}

/// What a figure calls a cell: means over fewer seeds than others have are named as such.
std::string title_of(const Cell& cell, const std::vector<StudyRun>& runs) {
  std::size_t most = 0;
  for (const StudyRun& run : runs) most = std::max(most, finished_runs(*run.cell, runs));
  const std::size_t finished = finished_runs(cell, runs);
  if (finished == most) return cell.name;
  if (finished == 0) return cell.name + " (unfinished)";
  return message(cell.name, " (", finished, " of ", most, " seeds)");
}

/// The mean over seeds of a cell's validations: of its finished runs, or else of the furthest.
Run mean_run(const Cell& cell, const std::vector<StudyRun>& runs, const StepTimes* times) {
  std::vector<const StudyRun*> all;
  const bool finished = finished_runs(cell, runs) > 0;
  for (const StudyRun& run : runs) {
    if (run.cell->name != cell.name || run.log.empty() || run.finished != finished) continue;
    if (finished || all.empty())
      all.push_back(&run);
    else if (run.step() > all[0]->step())
      all[0] = &run;
  }
  std::map<std::int64_t, std::pair<std::size_t, LogRow>> sums;
  for (const StudyRun* run : all)
    for (const LogRow& row : run->log) {
      if (!std::isfinite(row.validation_loss)) continue;
      auto& [count, sum] = sums[row.step];
      ++count;
      sum.step = row.step;
      sum.tokens = row.tokens;
      sum.validation_loss += row.validation_loss / static_cast<double>(all.size());
      sum.seconds += (times == nullptr ? row.seconds
                                       : 1e-3 * times->find(cell.name)->milliseconds *
                                             static_cast<double>(row.tokens) /
                                             static_cast<double>(times->tokens)) /
                     static_cast<double>(all.size());
    }
  Run mean{.title = title_of(cell, runs), .log = {}, .validations = {}};
  for (const auto& [step, entry] : sums)
    if (entry.first == all.size()) mean.validations.push_back(entry.second);
  if (mean.validations.empty()) return mean;
  mean.best = mean.validations[0].validation_loss;
  for (const LogRow& row : mean.validations) mean.best = std::min(mean.best, row.validation_loss);
  return mean;
}

/// A range with room around it, also around a single value.
struct Range {
  double least = 1e300, most = -1e300;
  void include(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  void print(std::ostream& gp, const char* axis, double room = 0.08) const {
    const double margin = std::max(room * (most - least), 1e-4 * std::abs(most) + 1e-9);
    gp << "set " << axis << "range [" << least - margin << ':' << most + margin << "]\n";
  }
};

/// Bars of the mean differences, the range over seeds, and every seed as a circle.
void draw_differences(const std::string& path, const std::vector<CellSummary>& cells,
                      const std::vector<StudyRun>& runs, const std::string& reference) {
  draw_figure(path, 900, 130 + 34 * static_cast<int>(cells.size()), [&](std::ostream& gp) {
    Range range;
    range.include(0);
    gp << "$bars << EOD\n";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Spread s = spread_of(cells[i].differences);
      gp << s.mean << ' ' << i << ' ' << s.lowest << ' ' << s.highest << '\n';
      range.include(s.lowest);
      range.include(s.highest);
    }
    gp << "EOD\n$seeds << EOD\n";
    for (std::size_t i = 0; i < cells.size(); ++i)
      for (const double difference : cells[i].differences) gp << difference << ' ' << i << '\n';
    gp << "EOD\nset ytics (";
    for (std::size_t i = 0; i < cells.size(); ++i)
      gp << (i > 0 ? ", '" : "'") << plain_title(title_of(*cells[i].cell, runs)) << "' " << i;
    gp << ") noenhanced\n";
    range.print(gp, "x");
    gp << "set yrange [" << static_cast<double>(cells.size()) - 0.4 << ":-0.6]\n"
       << "set title 'Final validation loss minus that of " << plain_title(reference)
       << "' noenhanced\nset xlabel 'nats per token; bar: mean over seeds, circles: seeds'\n"
       << "set arrow from 0,graph 0 to 0,graph 1 nohead lw 0.8 lc rgb '#000000' back\n"
       << "set style fill solid 0.85 noborder\nunset key\nset rmargin 4\n"
       << "plot $bars using 1:2:(0):1:($2-0.33):($2+0.33) with boxxyerror lc rgb '#56B4E9', "
          "$bars using 1:2:3:4 with xerrorbars pt 0 lw 1.2 lc rgb '#000000', "
          "$seeds with points pt 6 ps 0.9 lc rgb '#000000'\n";
  });
}

/// Loss against the time of a step, with the range over seeds.
void draw_loss_against_time(const std::string& path, const Summary& summary,
                            const std::vector<StudyRun>& runs) {
  const std::vector<CellSummary>& cells = summary.cells;
  const int height = std::max(560, 90 + 26 * static_cast<int>(cells.size()));
  draw_figure(path, 960, height, [&](std::ostream& gp) {
    Range time, loss;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Spread& s = cells[i].validation_loss;
      gp << "$cell" << i << " << EOD\n"
         << cells[i].milliseconds_per_step << ' ' << s.mean << ' ' << s.lowest << ' ' << s.highest
         << "\nEOD\n";
      time.include(cells[i].milliseconds_per_step);
      loss.include(s.lowest);
      loss.include(s.highest);
    }
    time.print(gp, "x");
    loss.print(gp, "y");
    gp << "set title 'Final validation loss against the time of a training step'\n"
       << "set xlabel 'milliseconds per " << summary.tokens << " tokens, "
       << (summary.times != nullptr ? "all cells timed together" : "as the logs of the runs tell")
       << "'\nset ylabel 'nats per token'\n"
       << "set key outside right top spacing 1.4 noenhanced\nplot ";
    const char* separator = "";
    const auto mean = [&](std::size_t i) { return cells[i].validation_loss.mean; };
    for (const std::size_t i : from_the_top(cells.size(), mean)) {
      const SeriesStyle style = series_style(i);
      gp << std::exchange(separator, ", ") << "$cell" << i << " using 1:2:3:4 with yerrorbars pt "
         << style.mark << " ps 1.3 lw 1.6 lc rgb '" << style.colour << "' title '"
         << plain_title(title_of(*cells[i].cell, runs)) << '\'';
    }
    gp << '\n';
  });
}

}  // namespace

std::vector<std::string> draw_figures(const fs::path& folder, const Grid& grid,
                                      const std::vector<StudyRun>& runs, const StepTimes* times) {
  std::vector<std::string> drawn;
  const auto name = [&](const std::string& stem) {
    return drawn.emplace_back((folder / (stem + ".png")).string());
  };
  // The reference is in every group.
  std::map<std::string, std::vector<Run>> groups;
  for (const Cell& cell : grid.cells) groups[cell.group];
  for (auto& [group, curves] : groups) {
    for (const Cell& cell : grid.cells)
      if (cell.group == group || cell.name == grid.reference)
        if (Run run = mean_run(cell, runs, times); !run.validations.empty())
          curves.push_back(std::move(run));
    if (!curves.empty())
      draw(name("curves-" + group), curves,
           times != nullptr ? "steps x measured time of a step" : "training time as logged");
  }
  const Summary summary = summarise(grid, runs, times);
  if (!summary.cells.empty()) draw_loss_against_time(name("loss-against-time"), summary, runs);
  auto compared = summary.cells;
  std::erase_if(compared, [&](const CellSummary& cell) {
    return cell.differences.empty() || cell.cell->name == grid.reference;
  });
  if (!compared.empty()) draw_differences(name("differences"), compared, runs, grid.reference);
  return drawn;
}
