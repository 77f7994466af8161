// SPDX-License-Identifier: MIT
#include <random>
#include <sstream>
#include <thread>

#include "program.hpp"

using namespace programs;

TEST_SUITE_BEGIN("system");

TEST_CASE("pretrain: trains, logs, saves, samples, and generate continues its run") {
  if (!built()) return;
  const Folder folder("trains");
  const auto done = run(folder.path, "pretrain", small + Arguments{"--out", "run"});
  INFO(done.err);
  REQUIRE(done.code == 0);
  CHECK(done.err.empty());
  CHECK(done.out.find("parameters 9") != std::string::npos);
  CHECK(done.out.find("bigram ") != std::string::npos);
  CHECK(done.out.find("60/60 ") != std::string::npos);
  CHECK(done.out.find('\r') == std::string::npos);
  std::istringstream log(read(folder.path / "run/log.csv"));
  int rows = 0;
  for (std::string line; std::getline(log, line);) ++rows;
  CHECK(rows == 62);
  CHECK(!read(folder.path / "run/samples/final.txt").empty());
  CHECK(read(folder.path / "run/summary.txt").find("best_validation_loss ") != std::string::npos);

  const Arguments prompt{"run", "--prompt", "the sea", "--tokens", "30", "--seed", "5"};
  const auto first = run(folder.path, "generate", prompt);
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.out.starts_with("the sea"));
  CHECK(first.out.size() == 7 + 30 + 1);
  CHECK(run(folder.path, "generate", prompt).out == first.out);
  CHECK(first.err.find("30 tokens, ") == 0);
  CHECK(first.err.find(" tokens per second; prompts of 7 tokens took ") != std::string::npos);
  CHECK(run(folder.path, "generate", prompt + Arguments{"--quiet"}).err == "");

  // Text 0 of several is the text of its prompt alone; all filters at once, longer than the model
  // looks back.
  const auto both = run(folder.path, "generate", prompt + Arguments{"--prompt", "a"});
  CHECK(both.out.starts_with(first.out + "--\na"));
  const Arguments filters{"--top-p", "0.9",  "--min-p", "0.05", "--repetition-penalty", "1.1",
                          "--stop",  "\x01", "--top-k", "20",   "--temperature",        "1.2"};
  const auto filtered = run(folder.path, "generate",
                            Arguments{"run", "--prompt", "the sea", "--tokens", "150"} + filters);
  CHECK(filtered.code == 0);
  CHECK(filtered.out.size() == 7 + 150 + 1);
  // The first letter of what was written stops it before it begins.
  const Arguments stop{"--stop", first.out.substr(7, 1)};
  CHECK(run(folder.path, "generate", prompt + stop).out == "the sea\n");
}

TEST_CASE("pretrain: every rule trains and writes text") {
  if (!built()) return;
  const Folder folder("rules");
  for (const std::string rule : {"vanilla", "heavy-ball", "nesterov", "tmm", "adam", "adamw",
                                 "rmsprop", "muon", "ortho", "soap", "shampoo"}) {
    CAPTURE(rule);
    const auto done = run(folder.path, "pretrain",
                          small + Arguments{"--rule", rule, "--out", rule, "--steps", "10"});
    CHECK(done.err == "");
    CHECK(done.code == 0);
    CHECK(run(folder.path, "generate", {rule, "--tokens", "5"}).code == 0);
  }
}

TEST_CASE("pretrain: parameter counts of every rule in the shape of GPT-2 small") {
  if (!built()) return;
  const Folder folder("counts");
  const std::map<std::string, std::string> counts{
      {"vanilla", "124373760"}, {"heavy-ball", "163812144"}, {"nesterov", "163812168"},
      {"tmm", "163812192"},     {"adam", "163812168"},       {"adamw", "163812192"},
      {"rmsprop", "124392240"}, {"muon", "163812144"},       {"ortho", "124392216"},
      {"soap", "163812168"},    {"shampoo", "124392240"}};
  for (const auto& [rule, count] : counts) {
    const auto plan =
        run(folder.path, "pretrain", {"--rule", rule, "--shape", "gpt2-small", "--dry-run"});
    CHECK(plan.code == 0);
    CHECK(plan.out.find("\nparameters " + count + "\n") != std::string::npos);
    CHECK(plan.out.find("\nmemory ") != std::string::npos);
  }
  CHECK(!fs::exists(folder.path / "runs"));
}

TEST_CASE("pretrain: SIGINT and SIGTERM save and leave, the resumed run has the same bits") {
  if (!built()) return;
  const Folder folder("signal");
  const Arguments longer = small + Arguments{"--steps", "400", "--validate-every", "100"};
  REQUIRE(run(folder.path, "pretrain", longer + Arguments{"--out", "whole"}).code == 0);
  const Arguments stopped = longer + Arguments{"--out", "stopped"};
  for (const int number : {SIGINT, SIGTERM}) {
    Process process(folder.path, "pretrain", stopped + Arguments{"--resume"});
    // The log appears when training starts.
    const fs::path log = folder.path / "stopped/log.csv";
    for (int i = 0; i < 1000 && !fs::exists(log); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    process.signal(number);
    const auto left = process.wait();
    if (left.code == 0) break;  // a fast machine had finished
    CHECK(left.code == 128 + number);
    CHECK(left.out.find("saved") != std::string::npos);
    CHECK(!fs::is_empty(folder.path / "stopped/checkpoints"));
  }
  REQUIRE(run(folder.path, "pretrain", {"--resume", "--out", "stopped"}).code == 0);
  CHECK(folder.final_state("stopped") == folder.final_state("whole"));
}

TEST_CASE("pretrain: every optimizer, stopped twice and resumed, has the same bits") {
  if (!built()) return;
  const Folder folder("resumes");
  const Arguments saving = small + Arguments{"--steps", "120", "--save-every", "5"};
  const Arguments trained_by[] = {
      {"--optimizer", "muon"},
      {"--optimizer", "soap"},
      {"--optimizer", "shampoo"},
      {"--optimizer", "nesterov"},
      {"--optimizer", "nadam"},
      {"--optimizer", "lion"},
      {"--sam", "0.05"},
      {"--sam", "0.05", "--optimizer", "soap", "--ema", "0.9"},
      // SAWD: sharpness from the first step of the decay on, between the two stops.
      {"--sam", "0.05", "--schedule", "wsd", "--decay-from", "40", "--sam-from", "40"}};
  int stops = 0;
  for (const Arguments& trained : trained_by) {
    INFO(trained[0], " ", trained[1], " of ", trained.size());
    const auto run_in = [&](const std::string& out) {
      fs::remove_all(folder.path / out);
      return saving + trained + Arguments{"--out", out};
    };
    REQUIRE(run(folder.path, "pretrain", run_in("whole")).code == 0);
    const Arguments stopped = run_in("stopped");
    for (const int step : {20, 60}) {
      Process process(folder.path, "pretrain", stopped + Arguments{"--resume"});
      folder.wait_for_checkpoint("stopped", step);
      process.signal(SIGINT);
      const int code = process.wait().code;
      if (code == 0) break;  // a fast machine had finished
      CHECK(code == 128 + SIGINT);
      ++stops;
    }
    const auto last = run(folder.path, "pretrain", {"--resume", "--out", "stopped"});
    INFO(last.err);
    REQUIRE(last.code == 0);
    CHECK(folder.final_state("stopped") == folder.final_state("whole"));
  }
  CHECK(stops > 0);
}

TEST_CASE("pretrain: killed at 20 random moments, the resumed run has the same bits" *
          doctest::timeout(300)) {
  if (!built()) return;
  const Folder folder("kill");
  const Arguments often =
      small + Arguments{"--steps", "150", "--save-every", "1", "--validate-every", "100"};
  REQUIRE(run(folder.path, "pretrain", often + Arguments{"--out", "whole"}).code == 0);
  std::mt19937 random(1);
  int kills = 0, restarts = 0;
  while (kills < 20 && restarts++ < 60) {
    Process process(folder.path, "pretrain", often + Arguments{"--out", "killed", "--resume"});
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution<int>(1000, 120000)(random)));
    process.signal(SIGKILL);
    const auto left = process.wait();
    INFO(left.err);
    if (left.code == -SIGKILL) {
      ++kills;
    } else {
      REQUIRE(left.code == 0);  // finished before its kill: begin anew
      fs::remove_all(folder.path / "killed");
    }
  }
  CHECK(kills == 20);
  const auto last = run(folder.path, "pretrain", often + Arguments{"--out", "killed", "--resume"});
  INFO(last.err);
  REQUIRE(last.code == 0);
  CHECK(folder.final_state("killed") == folder.final_state("whole"));
}

TEST_CASE("pretrain: the number of threads changes no bit") {
  if (!built()) return;
  const Folder folder("threads");
  for (const std::string threads : {"1", "2"})
    REQUIRE(run(folder.path, "pretrain", small + Arguments{"--out", threads, "--threads", threads})
                .code == 0);
  CHECK(folder.final_state("1") == folder.final_state("2"));
}

TEST_CASE("pretrain: a full disk while saving is one sentence, the last checkpoint stays good") {
  if (!built()) return;
  const Folder folder("full");
  const Arguments saving = small + Arguments{"--save-every", "20"};
  REQUIRE(run(folder.path, "pretrain", saving + Arguments{"--out", "whole"}).code == 0);

  // From the start: no checkpoint appears, nothing half-written stays.
  const auto start =
      run(folder.path, "pretrain", saving + Arguments{"--out", "never"}, rlim_t{100'000});
  CHECK(start.code == 2);
  CHECK(start.err.starts_with("pretrain: cannot write "));
  CHECK(snapshot(folder.path / "never/checkpoints").empty());

  Process process(folder.path, "pretrain", saving + Arguments{"--out", "run"});
  while (!fs::exists(folder.path / "run/checkpoints") ||
         snapshot(folder.path / "run/checkpoints").size() < 3)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  process.signal(SIGINT);
  process.wait();
  const auto before = snapshot(folder.path / "run/checkpoints");
  const auto full =
      run(folder.path, "pretrain", saving + Arguments{"--out", "run", "--resume"}, rlim_t{100'000});
  if (full.code != 0) {  // else the interrupted run had already finished
    CHECK(full.code == 2);
    CHECK(full.err.starts_with("pretrain: cannot write "));
    CHECK(snapshot(folder.path / "run/checkpoints") == before);
    REQUIRE(run(folder.path, "pretrain", saving + Arguments{"--out", "run", "--resume"}).code == 0);
  }
  CHECK(folder.final_state("run") == folder.final_state("whole"));
}

TEST_CASE("pretrain: NaN ends the run with exit code 3, naming tensor and step") {
  if (!built()) return;
  const Folder folder("nan");
  const auto done =
      run(folder.path, "pretrain",
          small + Arguments{"--out", "run", "--learning-rate", "1e37", "--clip", "0"});
  CHECK(done.code == 3);
  CHECK(done.err.find(" at step ") != std::string::npos);
  CHECK(done.err.find("the first bad tensor is ") != std::string::npos);
  CHECK(std::count(done.err.begin(), done.err.end(), '\n') == 1);
}

TEST_CASE("pretrain: a TOML file and the command line say the same, the command line wins") {
  if (!built()) return;
  const Folder folder("toml");
  write(folder.path / "run.toml",
        "shape = \"tiny\"  # a comment\nsteps = 7\nwarmup = 2\nlearning-rate = 2e-3\nlayers = 3\n"
        "rule = \"vanilla\"\n");
  const auto plan =
      run(folder.path, "pretrain", {"--config", "run.toml", "--layers", "1", "--dry-run"});
  CHECK(plan.code == 0);
  for (const char* line : {"rule = 'vanilla'", "steps = 7", "learning-rate = 0.002", "layers = 1"})
    CHECK(plan.out.find(line) != std::string::npos);
  // What is printed is itself a configuration.
  write(folder.path / "printed.toml", plan.out.substr(0, plan.out.find("\n\n")));
  CHECK(run(folder.path, "pretrain", {"--config", "printed.toml", "--dry-run"}).out == plan.out);
}

TEST_SUITE_END();
