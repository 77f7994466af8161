// SPDX-License-Identifier: MIT
// Trains every cell of a grid with every seed under one budget, and compares them.
//
//   study grid.toml --out studies/rules --data novels.txt
//   study grid.toml --out studies/rules --minutes 60 --jobs 2      # goes on where it stopped
//   study grid.toml --out studies/rules --figures                  # draws what is there
//   study generate studies/rules/runs/tmm-1 --prompt "It was "     # or pretrain: one run
//
// The directory holds a run directory per run, study.csv, summary.csv, summary.md and the figures.
// Exit codes: 0 done or out of time, 2 bad input, 3 a run failed, 130 or 143 saved and left on a
// signal.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <string_view>
#include <thread>

#include <CLI/CLI.hpp>

#include <optiform/io/atomic_file.hpp>

#include "../pretrain/train.hpp"
#include "figures.hpp"
#include "launch.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

struct StudyOptions {
  std::string grid, out, data, validation;
  std::vector<std::string> only;
  int jobs = 1, threads = 0;
  double minutes = 0;
  bool list = false, figures = false, help = false;
};

StudyOptions read_study_command(int argc, char** argv) {
  StudyOptions o;
  CLI::App app("Trains every cell of a grid with every seed, and compares them.", "study");
  app.option_defaults()->always_capture_default();
  app.add_option("grid", o.grid, "TOML file of seeds, options and cells")->required();
  app.add_option("--out", o.out, "directory of the study")->required();
  app.add_option("--data", o.data, "text to train on (.xz is unpacked), needed at the first start");
  app.add_option("--validation", o.validation,
                 "text to validate on (empty: the last 5 % of the data)");
  app.add_option("--only", o.only, "run these cells only");
  app.add_option("--minutes", o.minutes, "then all runs save and leave (0: no limit)");
  app.add_option("--jobs", o.jobs, "runs at a time");
  app.add_option("--threads", o.threads, "of a run (0: all cores, shared by the jobs)");
  app.add_flag("--list", o.list, "print the runs and how far they are, then stop");
  app.add_flag("--figures", o.figures, "write tables and figures of what is there, then stop");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    o.help = true;
  } catch (const CLI::ParseError& error) {
    fail(one_line(error.what()), "; study --help lists all options");
  }
  if (o.help) return o;
  if (o.jobs < 1 || o.jobs > 256) fail("jobs is ", o.jobs, "; expected 1 to 256");
  if (o.threads < 0 || o.threads > 1024) fail("threads is ", o.threads, "; expected 0 to 1024");
  if (!(o.minutes >= 0)) fail("minutes is ", o.minutes, "; expected 0 (no limit) or more");
  if (o.threads == 0)
    o.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / o.jobs);
  return o;
}

/// The directory belongs to one study at a time; its runs inherit the lock.
void lock_directory(const fs::path& directory) {
  const int file = ::open((directory / "lock").c_str(), O_CREAT | O_RDWR, 0644);
  if (file < 0) fail("cannot write in ", in_quotes(directory));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0)
    fail("another study is running in ", in_quotes(directory));
}

void write_file(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void print_list(const std::vector<StudyRun>& runs) {
  for (const StudyRun& run : runs) {
    std::printf("%-28s %10lld parameters  step %lld of %lld", run.name.c_str(),
                static_cast<long long>(run.parameters), static_cast<long long>(run.step()),
                static_cast<long long>(run.options.steps));
    if (run.step() > 0) std::printf("  validation loss %.4f", run.validation_loss());
    std::printf("%s\n", run.finished ? "  finished" : "");
  }
}

/// Tables of what is there.
void report(const fs::path& out, const Grid& grid, const std::vector<StudyRun>& runs) {
  const auto cells = summarise(grid, runs);
  const std::string table = summary_markdown(cells, grid);
  write_file(out / "study.csv", rows_csv(runs));
  write_file(out / "summary.csv", summary_csv(cells));
  write_file(out / "summary.md", table);
  std::printf("%s", table.c_str());
}

void report_figures(const fs::path& out, const Grid& grid, const std::vector<StudyRun>& runs) {
  for (const std::string& figure : draw_figures(out, grid, runs))
    std::printf("figure: %s\n", figure.c_str());
}

std::vector<StudyRun*> chosen(std::vector<StudyRun>& runs, const StudyOptions& options) {
  for (const std::string& name : options.only)
    if (std::none_of(runs.begin(), runs.end(),
                     [&](const StudyRun& run) { return run.cell->name == name; }))
      fail("cell ", in_quotes(name), " is not in the grid");
  std::vector<StudyRun*> found;
  for (StudyRun& run : runs)
    if (!run.finished &&
        (options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), run.cell->name) != options.only.end()))
      found.push_back(&run);
  return found;
}

int study(const StudyOptions& options) {
  const Grid grid = read_grid(options.grid);
  const fs::path out = options.out;
  Options texts = common_options(grid);
  texts.data = options.data;
  texts.validation = options.validation;
  const bool begun = fs::exists(out / "data" / "source.txt"),
             looks = options.list || options.figures;
  if (!begun && looks) fail("there is no study in ", in_quotes(out), " yet");
  if (!begun && options.data.empty()) fail("no text to train on; name one with --data");
  fs::create_directories(out);
  if (!looks) lock_directory(out);
  const Corpus corpus = prepare_corpus(out, texts);
  std::vector<StudyRun> runs = plan_runs(grid, corpus, out, options.threads);
  const auto todo = chosen(runs, options);
  if (options.list) print_list(runs);
  LaunchEnd end;
  if (!looks)
    end =
        launch(todo, {.jobs = options.jobs, .minutes = options.minutes, .outputs = out / "output"});
  if (!options.list || options.figures) report(out, grid, runs);
  if (options.figures) report_figures(out, grid, runs);
  if (!looks) try {
      report_figures(out, grid, runs);
    } catch (const Error& error) {  // the runs are done all the same
      std::fprintf(stderr, "study: %s\n", error.what());
    }
  return end.signal != 0 ? 128 + end.signal : end.failures > 0 ? 3 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1)
    for (const std::string_view program : {"pretrain", "generate"})
      if (argv[1] == program) return pretrain_main(argc - 1, argv + 1);
  try {
    const StudyOptions options = read_study_command(argc, argv);
    return options.help ? 0 : study(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "study: %s\n", one_line(error.what()).c_str());
  }
  return 2;
}
