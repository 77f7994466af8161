// SPDX-License-Identifier: MIT
#include "runs.hpp"

#include <algorithm>

#include "../pretrain/data.hpp"
#include "../pretrain/models.hpp"

using namespace optiform;
namespace fs = std::filesystem;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double StudyRun::validation_loss() const {
  for (auto row = log.rbegin(); row != log.rend(); ++row)
    if (std::isfinite(row->validation_loss)) return row->validation_loss;
  return std::nan("");
}

double StudyRun::milliseconds_per_step(std::size_t first, std::size_t last) const {
  std::vector<double> times;
  for (std::size_t i = first; i < last; ++i)
    if (log[i].tokens_per_second > 0)
      times.push_back(1e3 * static_cast<double>(tokens_per_step()) / log[i].tokens_per_second);
  return times.empty() ? std::nan("") : median(std::move(times));
}

void StudyRun::refresh() {
  const fs::path directory = options.out, csv = directory / "log.csv",
                 checkpoints = directory / "checkpoints";
  try {
    // A run that was killed at its start has neither.
    if (!fs::exists(csv) && fs::exists(checkpoints) && !fs::is_empty(checkpoints))
      fail("run directory ", in_quotes(directory), " has checkpoints but no log.csv");
    log = fs::exists(csv) ? read_log(csv) : std::vector<LogRow>();
  } catch (const Error& error) {
    fail(error.what(), "; remove ", in_quotes(directory), " to train it again");
  }
  finished = step() >= options.steps && fs::exists(directory / "summary.txt");
}

namespace {

std::string as_argument(const ConfigEntry& entry) { return "--" + entry.key + "=" + entry.value; }

Options read_arguments(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"pretrain"};
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  return read_command(static_cast<int>(argv.size()), argv.data()).options;
}

void append(std::vector<std::string>& arguments, const std::vector<ConfigEntry>& entries) {
  for (const ConfigEntry& entry : entries)
    if (!entry.value.empty()) arguments.push_back(as_argument(entry));
}

/// What a run of a cell is told, whatever its text and seed.
std::vector<std::string> cell_arguments(const Grid& grid, const Cell& cell) {
  std::vector<std::string> arguments;
  append(arguments, grid.options);
  append(arguments, cell.options);
  return arguments;
}

/// Makes the cell's model once, in a small vocabulary; returns the tokens of a whole run.
Index check_cell(const Grid& grid, const Cell& cell) {
  Options options = read_arguments(cell_arguments(grid, cell));
  if (options.vocabulary == 0) options.vocabulary = 2;
  make_trainer(options);
  return options.steps * options.accumulate * options.batch * options.length;
}

StudyRun plan_run(const Grid& grid, const Cell& cell, std::int64_t seed, const Corpus& corpus,
                  const Tokenizer* tokenizer, const fs::path& directory, int threads) {
  StudyRun run;
  run.cell = &cell;
  run.seed = seed;
  run.name = message(cell.name, '-', seed);
  run.arguments = {"--brief", "--sample-tokens=0"};
  const auto common = cell_arguments(grid, cell);
  run.arguments.insert(run.arguments.end(), common.begin(), common.end());
  for (const std::string& argument : common) run.configuration += argument + ' ';
  for (const auto& [key, value] : {std::pair<const char*, std::string>{"data", corpus.training},
                                   {"validation", corpus.validation},
                                   {"tokenizer", corpus.tokenizer},
                                   {"seed", std::to_string(seed)},
                                   {"threads", std::to_string(threads)},
                                   {"out", fs::absolute(directory / "runs" / run.name).string()}})
    run.arguments.push_back(message("--", key, "=", value));
  run.options = read_arguments(run.arguments);
  resolve_vocabulary(run.options, tokenizer);
  run.parameters = make_trainer(run.options)->parameters().count();
  if (fs::exists(fs::path(run.options.out) / "config.toml")) require_same_run(run.options);
  run.refresh();
  return run;
}

}  // namespace

Index reference_tokens(const Grid& grid, const std::vector<StudyRun>& runs) {
  return std::find_if(runs.begin(), runs.end(),
                      [&](const StudyRun& run) { return run.cell->name == grid.reference; })
      ->tokens_per_step();
}

Options common_options(const Grid& grid) {
  std::vector<std::string> arguments;
  append(arguments, grid.options);
  return read_arguments(arguments);
}

void check_cells(const Grid& grid) {
  Index budget = 0;
  for (const Cell& cell : grid.cells) try {
      const Index tokens = check_cell(grid, cell);
      if (budget == 0) budget = tokens;
      if (tokens != budget)
        fail("its runs train on ", tokens, " tokens; expected ", budget, ", as ",
             in_quotes(grid.cells[0].name), " does");
    } catch (const Error& error) {
      fail("cell ", in_quotes(cell.name), ": ", error.what());
    }
}

std::vector<StudyRun> plan_runs(const Grid& grid, const Corpus& corpus, const fs::path& directory,
                                int threads) {
  std::vector<StudyRun> runs;
  const auto tokenizer = known_tokenizer(corpus.tokenizer);
  for (const std::int64_t seed : grid.seeds)
    for (const Cell& cell : grid.cells) try {
        runs.push_back(plan_run(grid, cell, seed, corpus, tokenizer.get(), directory, threads));
      } catch (const Error& error) {
        fail("cell ", in_quotes(cell.name), ": ", error.what());
      }
  return runs;
}
