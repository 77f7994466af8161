// SPDX-License-Identifier: MIT
// Trains every cell of a grid with every seed under one budget, and compares them.
//
//   study grid.toml --out studies/rules --data novels.txt
//   study grid.toml --out studies/rules --minutes 60 --jobs 2      # goes on where it stopped
//   study grid.toml --out studies/rules --figures                  # draws what is there
//   study grid.toml --out studies/rules --time                     # times all cells together
//   study grid.toml --out studies/rules --evaluate -- --sharpness  # measures what has finished
//   study generate studies/rules/runs/tmm-1 --prompt "It was "     # or pretrain, evaluate
//
// The directory holds a run directory per run, study.csv, times.csv, evaluations.csv, summary.csv,
// tables in Markdown and the figures. Exit codes: 0 done or out of time, 2 bad input, 3 a run
// failed, 130 or 143 saved and left on a signal.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include <optiform/io/atomic_file.hpp>

#include "../evaluate/evaluate.hpp"
#include "../pretrain/train.hpp"
#include "../support/program.hpp"
#include "evaluations.hpp"
#include "figures.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

struct StudyOptions {
  std::string grid, out, data, validation;
  std::vector<std::string> only;
  int jobs = 1, threads = 0;
  double minutes = 0;
  bool list = false, figures = false, time = false, evaluate = false, help = false;
  std::vector<std::string> evaluation;  // what stands behind `--`: arguments of evaluate
};

/// Throws optiform::Error for numbers and combinations that make no sense.
void check(const StudyOptions& o) {
  if (o.jobs < 1 || o.jobs > 256) fail("jobs is ", o.jobs, "; expected 1 to 256");
  if (o.threads < 0 || o.threads > 1024) fail("threads is ", o.threads, "; expected 0 to 1024");
  if (!o.evaluate && !o.evaluation.empty())
    fail("options stand behind --, which are those of evaluate; expected --evaluate before it");
  for (const std::string& argument : o.evaluation)
    for (const std::string_view file : {"--csv", "--plot"})
      if (argument.starts_with(file))
        fail(in_quotes(std::string(file)),
             " names one file for all runs; expected it with evaluate");
  if (!(o.minutes >= 0)) fail("minutes is ", o.minutes, "; expected 0 (no limit) or more");
}

StudyOptions read_study_command(int argc, char** argv) {
  StudyOptions o;
  char** const end = std::find(argv, argv + argc, std::string_view("--"));
  if (end != argv + argc) o.evaluation.assign(end + 1, argv + argc);
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
  app.add_flag("--time", o.time,
               "time the steps of all cells together, as is done when all runs are finished, then "
               "write tables and figures");
  app.add_flag("--evaluate", o.evaluate,
               "let evaluate measure the finished runs, with the options that stand behind `--`, "
               "and write evaluations.csv and evaluations.md");
  o.help = !parse_arguments(app, static_cast<int>(end - argv), argv);
  if (!o.help) check(o);
  return o;
}

/// The threads of one run.
int run_threads(const StudyOptions& o) {
  if (o.threads > 0) return o.threads;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / o.jobs);
}

/// The directory belongs to one study at a time; its runs inherit the lock.
void lock_directory(const fs::path& directory) {
  const int file = ::open((directory / "lock").c_str(), O_CREAT | O_RDWR, 0644);
  if (file < 0) fail("cannot write in ", in_quotes(directory));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0)
    fail("another study is running in ", in_quotes(directory));
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

/// The runs that are finished, or those that are not, of the cells that --only names.
std::vector<StudyRun*> chosen(std::vector<StudyRun>& runs, const StudyOptions& options,
                              bool finished) {
  for (const std::string& name : options.only)
    if (std::none_of(runs.begin(), runs.end(),
                     [&](const StudyRun& run) { return run.cell->name == name; }))
      fail("cell ", in_quotes(name), " is not in the grid");
  std::vector<StudyRun*> found;
  for (StudyRun& run : runs)
    if (run.finished == finished &&
        (options.only.empty() ||
         std::find(options.only.begin(), options.only.end(), run.cell->name) != options.only.end()))
      found.push_back(&run);
  return found;
}

/// The step times of an earlier start, if they are of these runs.
std::optional<StepTimes> known_times(const fs::path& out, const Grid& grid,
                                     const std::vector<StudyRun>& runs) try {
  if (!fs::exists(out / "times.csv")) return std::nullopt;
  StepTimes times = read_times(out / "times.csv");
  if (!times.fit(grid, runs)) return std::nullopt;
  return times;
} catch (const Error& error) {
  std::fprintf(stderr, "study: %s; --time measures them anew\n", error.what());
  return std::nullopt;
}

/// A study's directory, and what is to be done there.
class Study {
 public:
  /// Reads and checks everything. Throws optiform::Error.
  explicit Study(const StudyOptions& options)
      : options_(options), out_(options.out), grid_(read_grid(options.grid)) {
    check_cells(grid_);
    Options texts = common_options(grid_);
    texts.data = options.data;
    texts.validation = options.validation;
    const bool begun = fs::exists(out_ / "data" / "source.txt");
    if (looks() + options.time + options.evaluate > 1)
      fail("expected only one of --list or --figures, --time, and --evaluate");
    if (!begun && (looks() || options.time || options.evaluate))
      fail("there is no study in ", in_quotes(out_), " yet");
    if (!begun && options.data.empty()) fail("no text to train on; name one with --data");
    fs::create_directories(out_);
    if (!looks()) lock_directory(out_);
    runs_ = plan_runs(grid_, prepare_corpus(out_, texts), out_, run_threads(options));
    if (!options.list) times_ = known_times(out_, grid_, runs_);
    chosen_ = chosen(runs_, options, options.evaluate);
    if (options.evaluate && chosen_.empty()) fail("no run has finished yet, of those to evaluate");
  }

  /// Returns the exit code.
  int operator()() {
    if (options_.list) print_list(runs_);
    if (looks()) {
      if (options_.figures) write_tables();
      if (options_.figures) write_figures();
      return 0;
    }
    LaunchEnd end;
    if (options_.evaluate) return exit_code(evaluate());
    if (!options_.time)
      end =
          launch(chosen_,
                 {.jobs = options_.jobs, .minutes = options_.minutes, .outputs = out_ / "output"});
    const bool finished = std::all_of(runs_.begin(), runs_.end(), std::mem_fn(&StudyRun::finished));
    // The runs are done all the same, whatever becomes of their times and figures.
    const auto try_to = [](auto&& f) {
      try {
        f();
      } catch (const std::exception& error) {
        std::fprintf(stderr, "study: %s\n", error.what());
      }
    };
    if (options_.time) {
      end.signal = measure();
    } else if (end.signal == 0 && finished && !times_) {
      try_to([&] { end.signal = measure(); });
    }
    write_tables();
    try_to([&] { write_figures(); });
    return exit_code(end);
  }

 private:
  bool looks() const { return options_.list || options_.figures; }
  static int exit_code(const LaunchEnd& end) {
    return end.signal != 0 ? 128 + end.signal : end.failures > 0 ? 3 : 0;
  }
  const StepTimes* times() const { return times_ ? &*times_ : nullptr; }

  LaunchEnd evaluate() const {
    const EvaluationOptions options(options_.evaluation, options_.threads, out_ / "evaluations");
    const LaunchEnd end = evaluate_runs(chosen_, options);
    const Evaluations found = read_evaluations(runs_, options);
    if (found.rows.empty()) return end;
    const std::string table = evaluations_markdown(found, grid_);
    write_file(out_ / "evaluations.csv", evaluations_csv(found));
    write_file(out_ / "evaluations.md", table);
    std::printf("%s", table.c_str());
    return end;
  }

  /// Measures the times of steps; returns the signal that interrupted it, or 0.
  int measure() {
    const Interrupt interrupt;
    const TimingProtocol protocol{.threads = options_.threads};
    if (auto measured = measure_times(grid_, runs_, protocol, interrupt)) {
      times_ = std::move(measured);
      write_file(out_ / "times.csv", times_csv(*times_));
    }
    return interrupt.signal();
  }

  void write_tables() const {
    const Summary summary = summarise(grid_, runs_, times());
    const std::string table = summary_markdown(summary, grid_);
    write_file(out_ / "study.csv", rows_csv(runs_));
    write_file(out_ / "summary.csv", summary_csv(summary));
    write_file(out_ / "summary.md", table);
    std::printf("%s", table.c_str());
  }
  void write_figures() const {
    for (const std::string& figure : draw_figures(out_, grid_, runs_, times()))
      std::printf("figure: %s\n", figure.c_str());
  }

  StudyOptions options_;
  fs::path out_;
  Grid grid_;
  std::vector<StudyRun> runs_;
  std::vector<StudyRun*> chosen_;  // of those, to be run or evaluated
  std::optional<StepTimes> times_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1)
    for (const std::string_view program : {"pretrain", "generate"})
      if (argv[1] == program) return pretrain_main(argc - 1, argv + 1);
  if (argc > 1 && argv[1] == std::string_view("evaluate")) return evaluate_main(argc - 1, argv + 1);
  return run_program("study", [&] {
    const StudyOptions options = read_study_command(argc, argv);
    return options.help ? 0 : Study(options)();
  });
}
