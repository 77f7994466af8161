// SPDX-License-Identifier: MIT
#include "evaluations.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <thread>

#include <optiform/io/atomic_file.hpp>
#include <optiform/io/checksum.hpp>
#include <optiform/training/interrupt.hpp>

#include "process.hpp"
#include "summary.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

fs::path file_of(const StudyRun& run, const EvaluationOptions& options) {
  return options.folder / (run.name + ".txt");
}

/// Tells a file's contents apart without reading them; empty for what is no file.
std::string age_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "";
  return message(" (", fs::file_size(path), " bytes of ",
                 fs::last_write_time(path).time_since_epoch().count(), ")");
}

/// The first line of a run's file: a comment of what its other lines depend on. No two trainings
/// leave the same log, since it has their times.
std::string first_line(const StudyRun& run, const EvaluationOptions& options) {
  return message("# log ", checksum(read_file(fs::path(run.options.out) / "log.csv")), options.line,
                 '\n');
}

bool measured(const StudyRun& run, const EvaluationOptions& options) {
  const fs::path file = file_of(run, options);
  return fs::exists(file) && read_file(file).starts_with(first_line(run, options));
}

/// The status of a child of this process at its end, which a signal to this one brings about.
int wait_for(pid_t process, const Interrupt& interrupt) {
  int status = 0;
  bool told = false;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (interrupt && !told) {
      ::kill(process, SIGTERM);
      told = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return status;
}

/// Whether `study evaluate` was content.
bool evaluate_run(const StudyRun& run, const EvaluationOptions& options,
                  const Interrupt& interrupt) {
  const fs::path file = file_of(run, options), part = file.string() + ".part";
  std::vector<std::string> arguments{"evaluate", run.options.out};
  const auto names_data = [](const std::string& argument) {
    return argument.starts_with("--data");
  };
  if (std::none_of(options.arguments.begin(), options.arguments.end(), names_data))
    arguments.push_back("--data=" + run.options.validation);  // also of a study that was moved
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  arguments.push_back(message("--threads=", options.threads));
  fs::remove(part);
  const int status = wait_for(start_study(arguments, part), interrupt);
  if (status == 0) {
    write_file(file, first_line(run, options) + read_file(part));
  } else if (!interrupt) {
    std::printf("%s: failed: %s\n", run.name.c_str(), last_words(part, status).c_str());
    std::fflush(stdout);
  }
  fs::remove(part);
  return status == 0;
}

/// The `key value` lines among those of a file.
std::vector<std::pair<std::string, double>> read_lines(const fs::path& file) {
  std::vector<std::pair<std::string, double>> found;
  std::istringstream text(read_file(file));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string key, value, more;
    if (!(words >> key >> value) || words >> more) continue;
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc{} && *end == '\0') found.emplace_back(key, number);
  }
  return found;
}

std::string in_digits(const char* format, double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, format, value);
  return digits;
}

}  // namespace

EvaluationOptions::EvaluationOptions(std::vector<std::string> all, int number_of_threads,
                                     const fs::path& evaluations)
    : arguments(std::move(all)), threads(number_of_threads) {
  for (const std::string& argument : arguments)
    line += ' ' + argument + age_of(argument.substr(argument.find('=') + 1));
  folder = evaluations / checksum(line).substr(0, 8);
}

LaunchEnd evaluate_runs(const std::vector<StudyRun*>& runs, const EvaluationOptions& options) {
  fs::create_directories(options.folder);
  const Interrupt interrupt;
  LaunchEnd end;
  for (std::size_t i = 0; i < runs.size() && !interrupt; ++i) {
    if (measured(*runs[i], options)) continue;
    std::printf("[%zu of %zu] evaluating %s\n", i + 1, runs.size(), runs[i]->name.c_str());
    std::fflush(stdout);
    if (!evaluate_run(*runs[i], options, interrupt) && !interrupt) ++end.failures;
  }
  end.signal = interrupt.signal();
  return end;
}

Evaluations read_evaluations(const std::vector<StudyRun>& runs, const EvaluationOptions& options) {
  Evaluations all;
  for (const StudyRun& run : runs) {
    if (!run.finished || !measured(run, options)) continue;
    Evaluations::Row row{&run, std::vector<double>(all.keys.size(), std::nan(""))};
    for (const auto& [key, value] : read_lines(file_of(run, options))) {
      const auto known = std::find(all.keys.begin(), all.keys.end(), key);
      const auto column = static_cast<std::size_t>(known - all.keys.begin());
      if (known == all.keys.end()) {
        all.keys.push_back(key);
        for (auto& earlier : all.rows) earlier.values.push_back(std::nan(""));
        row.values.push_back(value);
      } else {
        row.values[column] = value;
      }
    }
    all.rows.push_back(std::move(row));
  }
  return all;
}

std::string evaluations_csv(const Evaluations& evaluations) {
  std::string text = "cell,seed";
  for (const std::string& key : evaluations.keys) text += ',' + key;
  text += '\n';
  for (const auto& [run, values] : evaluations.rows) {
    text += message(run->cell->name, ',', run->seed);
    for (const double value : values)
      text += ',' + (std::isfinite(value) ? in_digits("%.9g", value) : std::string());
    text += '\n';
  }
  return text;
}

std::string evaluations_markdown(const Evaluations& evaluations, const Grid& grid) {
  std::string text = "| cell |", rule = "|---|";
  for (const std::string& key : evaluations.keys) {
    text += ' ' + key + " |";
    rule += "---:|";
  }
  text += '\n' + rule + '\n';
  for (const Cell& cell : grid.cells) {
    std::string line;
    for (std::size_t column = 0; column < evaluations.keys.size(); ++column) {
      std::vector<double> values;
      for (const auto& row : evaluations.rows)
        if (row.run->cell == &cell && std::isfinite(row.values[column]))
          values.push_back(row.values[column]);
      const Spread spread = spread_of(values);
      line += values.empty() ? " " : ' ' + in_digits("%.5g", spread.mean);
      if (values.size() > 1) line += in_digits(" ± %.2g", (spread.highest - spread.lowest) / 2);
      line += " |";
    }
    if (line.find_first_not_of(" |") != std::string::npos)
      text += "| " + cell.name + " |" + line + '\n';
  }
  return text;
}
