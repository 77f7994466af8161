// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include <optiform/rules/adam_w.hpp>
#include <optiform/training/bigram.hpp>
#include <optiform/training/run.hpp>
#include <optiform/weights/hybrid_optimizer.hpp>

#include "bigram_model.hpp"

using namespace optiform;
namespace fs = std::filesystem;

namespace {

/// A folder, a text and everything a run of the fake model needs.
struct Setting {
  fs::path folder;
  std::vector<std::int32_t> text;
  std::FILE* silent = std::fopen("/dev/null", "w");

  explicit Setting(const std::string& name)
      : folder(fs::temp_directory_path() / message("optiform_run_", name, "_", ::getpid())) {
    fs::create_directories(folder);
    Rng rng(4);
    text.push_back(0);
    while (text.size() < 600)
      text.push_back(rng.uniform() < 0.8 ? (text.back() + 1) % 6
                                         : static_cast<std::int32_t>(rng.below(6)));
  }
  ~Setting() {
    fs::remove_all(folder);
    std::fclose(silent);
  }

  RunOptions options(const std::string& name, bool resume) const {
    fs::create_directories(folder / name);
    return {.directory = folder / name,
            .schedule = {.peak = 0.5, .warmup = 3, .steps = 40},
            .validate_every = 10,
            .save_every = 7,
            .resume = resume,
            .configuration = {{"rule", "fake"}, {"seed", 3}},
            .out = silent};
  }

  template <class Trained = fake::BigramTrainer<>, class Observer>
  std::vector<double> run(RunOptions options, RunEnd expected, Observer observer) {
    Trained trainer(fake::Options{.vocabulary = 6, .context = 8}, {},
                    {.batch = 3, .length = 8, .accumulate = 2, .average = average, .seed = 3});
    trainer.allocate(Purpose::training);
    const std::span<const std::int32_t> all(text);
    TrainingRun run(trainer, all.first(500), ValidationBlocks(all.last(100), 8, 10), options);
    const RunEnd end = run(observer);
    CHECK(end == expected);
    last = run.state();
    std::vector<double> out;
    for (const auto& vector : trainer.state()) {
      const auto* data = static_cast<const double*>(vector.data);
      out.insert(out.end(), data, data + vector.size);
    }
    out.push_back(static_cast<double>(trainer.clock()));
    return out;
  }
  std::vector<double> run(RunOptions options, RunEnd expected = RunEnd::finished) {
    return run(std::move(options), expected, [](const LogRow&) {});
  }

  /// The columns of the log that do not depend on the clock on the wall.
  std::vector<std::string> log(const std::string& name) const {
    std::ifstream file(folder / name / "log.csv");
    std::vector<std::string> rows;
    for (std::string line; std::getline(file, line);) {
      for (int column = 0; column < 2; ++column) line.resize(line.rfind(','));
      rows.push_back(line);
    }
    return rows;
  }
  RunState last;
  double average = 0;
};

/// The fake model, its matrix trained by Muon and its table by AdamW.
using HybridTrainer =
    Trainer<fake::Bigram, HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>>::on<Reference,
                                                                                        double>;

TEST_CASE("TrainingRun: learns, logs every step, validates on time") {
  Setting s("learns");
  std::vector<LogRow> rows;
  s.run(s.options("a", false), RunEnd::finished, [&](const LogRow& row) { rows.push_back(row); });
  REQUIRE(rows.size() == 41);
  CHECK(rows[0].validation_loss == doctest::Approx(std::log(6)).epsilon(0.01));
  CHECK(rows[40].validation_loss < 1.2);
  CHECK(s.last.best_validation_loss <= rows[40].validation_loss);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].step == static_cast<std::int64_t>(i));
    CHECK(rows[i].tokens == static_cast<std::int64_t>(i) * 48);
    CHECK(std::isfinite(rows[i].validation_loss) == (i % 10 == 0));
  }
  CHECK(rows[1].learning_rate == 0);
  CHECK(rows[4].learning_rate == 0.5);
  const auto log = s.log("a");
  REQUIRE(log.size() == 42);
  CHECK(log[0] == "step,tokens,training_loss,validation_loss,learning_rate,gradient_norm");
  CHECK(log[1].starts_with("0,0,,1."));
}

TEST_CASE("TrainingRun: stopped by a signal at any step and resumed, every bit is the same") {
  Setting s("resume");
  const auto whole = s.run(s.options("whole", false));
  for (const int stop : {1, 6, 7, 8, 33, 39}) {
    CAPTURE(stop);
    const std::string name = message("stopped", stop);
    s.run(s.options(name, false), RunEnd::interrupted, [&](const LogRow& row) {
      if (row.step == stop) std::raise(stop % 2 ? SIGINT : SIGTERM);
    });
    CHECK(s.last.step == stop);
    CHECK(s.run(s.options(name, true)) == whole);
    CHECK(s.log(name) == s.log("whole"));
    const fs::directory_iterator events(s.folder / name / "tensorboard");
    CHECK(std::distance(begin(events), end(events)) == 2);  // one file for each session
  }
}

TEST_CASE("TrainingRun: the hybrid and the averaged weights are resumed bit by bit too") {
  Setting s("hybrid");
  s.average = 0.9;
  const auto ignore = [](const LogRow&) {};
  const auto options = [&](const std::string& name, bool resume) {
    auto of = s.options(name, resume);
    of.schedule.peak = 2e-3;
    return of;
  };
  const auto whole = s.run<HybridTrainer>(options("whole", false), RunEnd::finished, ignore);
  for (const int stop : {1, 8, 33}) {
    CAPTURE(stop);
    const std::string name = message("stopped", stop);
    s.run<HybridTrainer>(options(name, false), RunEnd::interrupted, [&](const LogRow& row) {
      if (row.step == stop) std::raise(SIGINT);
    });
    CHECK(s.run<HybridTrainer>(options(name, true), RunEnd::finished, ignore) == whole);
    CHECK(s.log(name) == s.log("whole"));
  }
  // What generates text gets the average, which the run's state ends with (before the clock).
  HybridTrainer loaded(fake::Options{.vocabulary = 6, .context = 8}, {}, {.length = 8});
  loaded.allocate(Purpose::inference);
  load_parameters(s.folder / "whole" / "checkpoints", loaded);
  const auto values = loaded.state()[0];
  const auto* data = static_cast<const double*>(values.data);
  CHECK(std::equal(data, data + values.size, whole.end() - 1 - values.size));
}

TEST_CASE("TrainingRun: a run that dies resumes from its last checkpoint and drops later rows") {
  Setting s("dies");
  const auto whole = s.run(s.options("whole", false));
  struct Death {};
  const auto die_at = [](int step) {
    return [=](const LogRow& row) {
      if (row.step == step) throw Death();
    };
  };
  CHECK_THROWS_AS(s.run(s.options("a", false), RunEnd::finished, die_at(5)), Death);
  CHECK(!fs::exists(s.folder / "a" / "checkpoints"));
  // No checkpoint yet: a resume starts at step 0.
  CHECK_THROWS_AS(s.run(s.options("a", true), RunEnd::finished, die_at(18)), Death);
  CHECK(checkpoint_steps(s.folder / "a" / "checkpoints").back() == 14);
  CHECK(s.run(s.options("a", true)) == whole);
  CHECK(s.log("a") == s.log("whole"));
}

TEST_CASE("TrainingRun: resuming a finished run changes nothing") {
  Setting s("finished");
  const auto whole = s.run(s.options("a", false));
  const auto log = s.log("a");
  CHECK(s.run(s.options("a", true)) == whole);
  CHECK(s.log("a") == log);
}

TEST_CASE("TrainingRun: a resume under another configuration is refused in one sentence") {
  Setting s("other");
  s.run(s.options("a", false));
  auto options = s.options("a", true);
  options.configuration["rule"] = "another";
  const auto log = s.log("a");
  CHECK_THROWS_WITH_AS(s.run(options),
                       message("cannot resume in '", (s.folder / "a" / "checkpoints").string(),
                               "': rule was \"fake\" there and is \"another\" now")
                           .c_str(),
                       Error);
  CHECK(s.log("a") == log);
}

TEST_CASE("TrainingRun: NaN stops the run, names the tensor and the step, keeps the checkpoint") {
  Setting s("nan");
  auto options = s.options("a", false);
  options.schedule.peak = 1e308;
  try {
    s.run(options);
    FAIL("a rate of 1e308 must overflow");
  } catch (const NotFinite& error) {
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(what.find(" at step ") != std::string::npos);
    CHECK(what.find("the first bad tensor is ") != std::string::npos);
    CHECK(what.find("weight'") != std::string::npos);
  }
}

TEST_CASE("TrainingRun: reaches the loss of the bigram model that it is") {
  Setting s("bigram");
  auto options = s.options("a", false);
  options.schedule = {.peak = 1, .warmup = 0, .steps = 300};
  s.run(options);
  const std::span<const std::int32_t> all(s.text);
  const auto baseline = bigram_baseline(all.first(500), 6, ValidationBlocks(all.last(100), 8, 10));
  CHECK(s.last.best_validation_loss == doctest::Approx(baseline.loss).epsilon(0.05));
}

TEST_CASE("CsvLog: a last line cut off by a kill is dropped, whatever its step") {
  Setting s("log");
  const auto path = s.folder / "log.csv";
  {
    CsvLog log(path, -1);
    for (int i = 0; i < 4; ++i) log.append({.step = i, .training_loss = 0.5 * i});
    log.flush();
  }
  fs::resize_file(path, fs::file_size(path) - 3);
  const CsvLog again(path, 10);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str() ==
        std::string(CsvLog::header) + "0,0,0,0,0,0,0,0\n1,0,0.5,0,0,0,0,0\n" + "2,0,1,0,0,0,0,0\n");
}

TEST_CASE("Progress: a pipe gets plain lines at validations, no escape sequences") {
  std::FILE* file = std::tmpfile();
  {
    Progress progress(1000, file);
    progress.show(0, NAN, 5.5, 0, 0, true);
    for (int step = 1; step < 100; ++step) progress.show(step, 3, NAN, 1000, 10, false);
    progress.show(100, 3.25, 3.5, 1234, 3725, true);
  }
  std::rewind(file);
  char text[1000];
  text[std::fread(text, 1, sizeof text - 1, file)] = '\0';
  std::fclose(file);
  CHECK(std::string(text) ==
        "   0/1000  validation 5.5000\n"
        " 100/1000  loss 3.2500  validation 3.5000  1234 tokens/s  1:02:05 left\n");
}

}  // namespace
