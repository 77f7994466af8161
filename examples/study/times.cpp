// SPDX-License-Identifier: MIT
#include "times.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <thread>

#include <optiform/io/checksum.hpp>
#include <optiform/io/token_shards.hpp>
#include <optiform/training/blocks.hpp>

#include "../pretrain/models.hpp"

using namespace optiform;

namespace {

constexpr std::string_view header =
    "cell,reference,configuration,ratio,lowest_ratio,highest_ratio,milliseconds_per_step,rounds,"
    "steps,threads,tokens\n";

/// Milliseconds of a training step of a run's network, started afresh.
double milliseconds_per_step(const StudyRun& run, const TimingProtocol& protocol) {
  Options options = run.options;
  options.threads = protocol.threads;
  const auto trainer = make_trainer(options);
  trainer->allocate(Purpose::training);
  const TokenShards text(find_token_shards(options.data), options.vocabulary);
  const Index passes = options.accumulate, pass = options.batch * options.length;
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(passes * pass)), targets(tokens.size());
  TrainingBlocks(text, options.length, options.seed)
      .fill(0, passes * options.batch, tokens.data(), targets.data());
  const auto train = [&] {
    for (Index p = 0; p < passes; ++p)
      trainer->accumulate(tokens.data() + p * pass, targets.data() + p * pass);
    trainer->update(0);
  };
  for (int step = 0; step < protocol.warm_up; ++step) train();
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::duration<double, std::milli> passed{};
  int steps = 0;
  for (; steps < protocol.steps || passed.count() < protocol.milliseconds; ++steps) {
    train();
    passed = std::chrono::steady_clock::now() - begin;
  }
  return passed.count() / steps;
}

/// The number that a cell of a table is; NaN if it is none.
double number_of(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? number : std::nan("");
}

}  // namespace

const CellTime* StepTimes::find(const std::string& cell) const {
  const auto found = std::find_if(cells.begin(), cells.end(),
                                  [&](const CellTime& time) { return time.cell == cell; });
  return found == cells.end() ? nullptr : &*found;
}

bool StepTimes::fit(const Grid& grid, const std::vector<StudyRun>& runs) const {
  return reference == grid.reference && std::all_of(runs.begin(), runs.end(), [&](const auto& run) {
           const CellTime* const time = find(run.cell->name);
           return time != nullptr && time->configuration == checksum(run.configuration);
         });
}

std::optional<StepTimes> measure_times(const Grid& grid, const std::vector<StudyRun>& runs,
                                       const TimingProtocol& protocol, const Interrupt& interrupt) {
  StepTimes times{grid.reference, protocol, reference_tokens(grid, runs), {}};
  if (times.protocol.threads == 0)
    times.protocol.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const std::size_t cells = grid.cells.size();  // the first runs: one of every cell
  std::vector<std::vector<double>> measured(cells);
  for (int round = 0; round < protocol.rounds; ++round) {
    std::printf("timing %zu cells, round %d of %d\n", cells, round + 1, protocol.rounds);
    std::fflush(stdout);
    for (std::size_t i = 0; i < cells; ++i) {
      const std::size_t cell = (i + static_cast<std::size_t>(round)) % cells;
      if (interrupt) return std::nullopt;
      const double steps =
          static_cast<double>(times.tokens) / static_cast<double>(runs[cell].tokens_per_step());
      measured[cell].push_back(steps * milliseconds_per_step(runs[cell], times.protocol));
    }
  }
  const auto reference = std::find_if(runs.begin(), runs.end(), [&](const StudyRun& run) {
    return run.cell->name == grid.reference;
  });
  const auto& own = measured[static_cast<std::size_t>(reference - runs.begin())];
  for (std::size_t cell = 0; cell < cells; ++cell) {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < own.size(); ++round)
      ratios.push_back(measured[cell][round] / own[round]);
    const auto [lowest, highest] = std::minmax_element(ratios.begin(), ratios.end());
    const double ratio = median(ratios);
    times.cells.push_back({runs[cell].cell->name, checksum(runs[cell].configuration), ratio,
                           *lowest, *highest, ratio * median(own)});
  }
  return times;
}

std::string times_csv(const StepTimes& times) {
  std::string text(header);
  const TimingProtocol& p = times.protocol;
  for (const CellTime& time : times.cells) {
    text += message(time.cell, ',', times.reference, ',', time.configuration);
    for (const double number : {time.ratio, time.lowest, time.highest, time.milliseconds}) {
      char digits[32];
      std::snprintf(digits, sizeof digits, ",%.6g", number);
      text += digits;
    }
    text += message(',', p.rounds, ',', p.steps, ',', p.threads, ',', times.tokens, '\n');
  }
  return text;
}

StepTimes read_times(const std::filesystem::path& path) {
  std::string text = read_file(path);
  if (!text.starts_with(header))
    fail("cannot use the step times ", in_quotes(path), ": they begin with another line");
  StepTimes times;
  std::istringstream lines(text.substr(header.size()));
  std::string line;
  for (int number = 2; std::getline(lines, line); ++number) {
    std::vector<std::string> cells(1);
    for (const char c : line)
      if (c == ',')
        cells.emplace_back();
      else
        cells.back() += c;
    std::vector<double> numbers;
    for (std::size_t i = 3; i < cells.size(); ++i) numbers.push_back(number_of(cells[i]));
    if (numbers.size() != 8 ||
        !std::all_of(numbers.begin(), numbers.end(), [](double n) { return n > 0 && n < 1e9; }))
      fail("cannot use the step times ", in_quotes(path), ", line ", number,
           ": expected two names, a checksum and eight positive numbers");
    times.reference = cells[1];
    times.protocol.rounds = static_cast<int>(numbers[4]);
    times.protocol.steps = static_cast<int>(numbers[5]);
    times.protocol.threads = static_cast<int>(numbers[6]);
    times.tokens = static_cast<Index>(numbers[7]);
    times.cells.push_back({cells[0], cells[2], numbers[0], numbers[1], numbers[2], numbers[3]});
  }
  return times;
}
