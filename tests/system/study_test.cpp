// SPDX-License-Identifier: MIT
#include <thread>

#include "study.hpp"

using namespace programs;

namespace {

bool has_gnuplot() { return std::system("gnuplot --version > /dev/null 2>&1") == 0; }

/// study.csv without the two columns of times.
std::vector<std::vector<std::string>> results(const fs::path& study) {
  auto rows = read_csv(study / "study.csv");
  for (auto& row : rows) row.erase(row.begin() + 5, row.begin() + 7);
  return rows;
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("study: runs a grid seed by seed, its table is that of the runs, figures are drawn") {
  if (!study_built()) return;
  const Folder folder("study");
  write(folder.path / "grid.toml", smoke);
  const auto done = run(folder.path, "study", with_data);
  INFO(done.err);
  REQUIRE(done.code == 0);
  // All cells of the first seed come first.
  const char* order[] = {"[1 of 4] vanilla-1", "[2 of 4] tmm-1", "[3 of 4] vanilla-2",
                         "[4 of 4] tmm-2"};
  for (std::size_t at = 0; const char* line : order) {
    at = done.out.find(line, at);
    CHECK_MESSAGE(at != std::string::npos, line);
  }

  const fs::path study = folder.path / "study";
  const auto rows = read_csv(study / "study.csv");
  REQUIRE(rows.size() == 1 + 4 * 5);  // steps 0, 10, 20, 30 and 40
  CHECK(read(study / "study.csv")
            .starts_with("cell,seed,step,training_loss,validation_loss,seconds,"
                         "milliseconds_per_step,parameters\nvanilla,1,0,,"));
  std::map<std::string, double> last;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].size() == 8);
    CHECK(rows[i][2] == std::to_string((i - 1) % 5 * 10));
    if (rows[i][2] == "40") last[rows[i][0] + "-" + rows[i][1]] = std::stod(rows[i][4]);
  }
  REQUIRE(last.size() == 4);
  CHECK(last["vanilla-1"] != last["vanilla-2"]);

  // What the study says of a run is what the run says itself.
  const std::string own = read(study / "runs/tmm-2/summary.txt");
  CHECK(std::stod(own.substr(own.find("\nvalidation_loss ") + 17)) ==
        doctest::Approx(last["tmm-2"]).epsilon(1e-5));
  CHECK(own.find("\nparameters " + rows.back()[7] + "\n") != std::string::npos);

  const auto summary = read_csv(study / "summary.csv");
  REQUIRE(summary.size() == 3);
  CHECK(summary[2][0] == "tmm");
  CHECK(summary[2][2] == "2");
  const double first = last["tmm-1"] - last["vanilla-1"],
               second = last["tmm-2"] - last["vanilla-2"];
  CHECK(std::stod(summary[2][4]) == doctest::Approx((last["tmm-1"] + last["tmm-2"]) / 2));
  CHECK(summary[2][7] == "2");  // pairs
  CHECK(std::stod(summary[2][8]) == doctest::Approx((first + second) / 2).epsilon(1e-4));
  CHECK(std::stod(summary[2][9]) == doctest::Approx(std::min(first, second)).epsilon(1e-4));
  // All cells have been timed together, to the reference.
  const auto times = read_csv(study / "times.csv");
  REQUIRE(times.size() == 3);
  CHECK(read(study / "times.csv")
            .starts_with("cell,reference,configuration,ratio,lowest_ratio,highest_ratio,"
                         "milliseconds_per_step,rounds,steps,threads,tokens\nvanilla,vanilla,"));
  REQUIRE(times[1].size() == 11);
  for (std::size_t own = 3; own < 6; ++own) CHECK(times[1][own] == "1");
  CHECK(times[2][0] == "tmm");
  CHECK(times[2][2] != times[1][2]);
  CHECK(std::stod(times[2][4]) <= std::stod(times[2][3]));
  CHECK(std::stod(times[2][3]) <= std::stod(times[2][5]));
  CHECK(std::stod(times[2][6]) ==
        doctest::Approx(std::stod(times[2][3]) * std::stod(times[1][6])).epsilon(1e-4));
  CHECK(summary[0].back() == "time_ratio");
  CHECK(std::stod(summary[2][11]) == doctest::Approx(std::stod(times[2][6])).epsilon(1e-4));
  CHECK(std::stod(summary[2][12]) == doctest::Approx(std::stod(times[2][3])).epsilon(1e-4));
  const std::string table = read(study / "summary.md");
  CHECK(table.find("| vanilla |") != std::string::npos);
  CHECK(table.find(" ± ") != std::string::npos);
  CHECK(done.out.find(table) != std::string::npos);
  if (has_gnuplot())
    for (const char* figure : {"curves-rules.png", "differences.png", "loss-against-time.png"}) {
      CHECK_MESSAGE(read(study / figure).starts_with("\x89PNG"), figure);
      fs::remove(study / figure);
    }

  // Nothing is left to do; --figures draws again and changes no run; --list tells.
  const auto before = snapshot(study / "runs");
  const auto again = run(folder.path, "study", {"grid.toml", "--out", "study"});
  CHECK(again.code == 0);
  CHECK(again.out.find("[1 of") == std::string::npos);
  CHECK(again.out.find("timing") == std::string::npos);
  if (has_gnuplot()) {
    CHECK(run(folder.path, "study", {"grid.toml", "--out", "study", "--figures"}).code == 0);
    CHECK(fs::exists(study / "differences.png"));
  }
  const auto list = run(folder.path, "study", {"grid.toml", "--out", "study", "--list"});
  CHECK(list.out.find("tmm-2 ") != std::string::npos);
  CHECK(list.out.find("step 40 of 40") != std::string::npos);
  CHECK(snapshot(study / "runs") == before);

  // A run of the study is one of pretrain and generate.
  CHECK(run(folder.path, "study", {"generate", "study/runs/tmm-1", "--tokens", "5"}).code == 0);
}

TEST_CASE("study: steps are timed when asked; without that tables name what the logs tell") {
  if (!study_built()) return;
  const Folder folder("study_time");
  write(folder.path / "grid.toml", smoke);
  const Arguments begun{"grid.toml", "--out", "study"};
  REQUIRE(run(folder.path, "study", with_data + Arguments{"--only", "tmm"}).code == 0);
  const fs::path study = folder.path / "study";
  CHECK(!fs::exists(study / "times.csv"));
  CHECK(read_csv(study / "summary.csv")[0].back() == "logged_milliseconds_per_step");
  CHECK(read(study / "summary.md").find(" tokens as logged |") != std::string::npos);

  const auto before = snapshot(study / "runs");
  const auto timed = run(folder.path, "study", begun + Arguments{"--time", "--threads", "1"});
  INFO(timed.err);
  REQUIRE(timed.code == 0);
  CHECK(timed.out.find("timing 2 cells, round 5 of 5") != std::string::npos);
  CHECK(timed.out.find("[1 of") == std::string::npos);
  CHECK(snapshot(study / "runs") == before);
  const auto times = read_csv(study / "times.csv");
  REQUIRE(times.size() == 3);
  CHECK(times[1][9] == "1");  // threads
  CHECK(read_csv(study / "summary.csv")[0].back() == "time_ratio");

  // Of a cell that came later nothing is known: the logs again.
  write(folder.path / "grid.toml", smoke + "[[cell]]\nname = \"again\"\nrule = \"tmm\"\n");
  REQUIRE(
      run(folder.path, "study", begun + Arguments{"--only", "again", "--minutes", "1e-9"}).code ==
      0);
  CHECK(read_csv(study / "summary.csv")[0].back() == "logged_milliseconds_per_step");
  // Nor of one that is another now.
  write(folder.path / "grid.toml", smoke);
  replace(folder.path / "grid.toml", "name = \"vanilla\"\n",
          "name = \"vanilla\"\nlearning-rate = 2e-3\n");
  REQUIRE(run(folder.path, "study", begun + Arguments{"--figures"}).code == 0);
  CHECK(read_csv(study / "summary.csv")[0].back() == "logged_milliseconds_per_step");
  write(folder.path / "grid.toml", smoke);
  REQUIRE(run(folder.path, "study", begun + Arguments{"--figures"}).code == 0);
  CHECK(read_csv(study / "summary.csv")[0].back() == "time_ratio");
  write(study / "times.csv", read(study / "times.csv") + "tmm,vanilla,0,1,fast,1,1,1,1,1,1\n");
  // Times that are damaged are no loss.
  const auto damaged = run(folder.path, "study", begun + Arguments{"--minutes", "1e-9"});
  CHECK(damaged.code == 0);
  CHECK(damaged.err.find("step times 'study/times.csv', line 4: expected two names, a "
                         "checksum and eight positive numbers; --time measures them anew") !=
        std::string::npos);
}

TEST_CASE("study: all cells of a seed see the same crops, and other seeds others") {
  if (!study_built()) return;
  const Folder folder("study_crops");
  // A rate this small moves no weight: the training losses tell which crops came.
  std::string grid = smoke;
  grid.replace(grid.find("1e-3"), 4, "1e-30");
  const auto two = grid.find("name = \"tmm\"");
  grid.replace(two, std::string::npos, "name = \"again\"\nrule = \"vanilla\"\nclip = 0.5\n");
  write(folder.path / "grid.toml", grid);
  const auto done = run(folder.path, "study", with_data + Arguments{"--jobs", "2"});
  INFO(done.err);
  REQUIRE(done.code == 0);
  const auto rows = results(folder.path / "study");
  REQUIRE(rows.size() == 1 + 4 * 5);
  const auto losses = [&](std::size_t run) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < 5; ++i) {
      found.push_back(rows[1 + 5 * run + i][3]);
      found.push_back(rows[1 + 5 * run + i][4]);
    }
    return found;
  };
  CHECK(losses(0) == losses(1));
  CHECK(losses(2) == losses(3));
  CHECK(losses(0) != losses(2));
}

TEST_CASE(
    "study: interrupted and resumed, by --only and with other jobs, it has the same results") {
  if (!study_built()) return;
  const Folder folder("study_resume");
  std::string grid = smoke;
  grid.replace(grid.find("steps = 40"), 10, "steps = 400");
  grid.replace(grid.find("validate-every = 10"), 19, "validate-every = 100");
  write(folder.path / "grid.toml", grid);
  REQUIRE(run(folder.path, "study",
              {"grid.toml", "--out", "whole", "--data", "text.txt", "--jobs", "2"})
              .code == 0);

  const Arguments stopped{"grid.toml", "--out", "stopped", "--data", "text.txt"};
  REQUIRE(run(folder.path, "study", stopped + Arguments{"--only", "tmm", "--minutes", "1e-9"})
              .out.find("the time is over") != std::string::npos);
  fs::create_directories(folder.path / "elsewhere");
  const std::map<int, std::string> interrupted{
      {SIGINT, "tmm-1"}, {SIGTERM, "tmm-2"}, {SIGKILL, "vanilla-2"}};
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    const std::string name = interrupted.at(number);
    CAPTURE(name);
    Process process(folder.path, "study",
                    stopped + Arguments{"--only", name.substr(0, name.size() - 2)});
    const fs::path log = folder.path / "stopped/runs" / name / "log.csv";
    for (int i = 0; i < 4000 && !fs::exists(log); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(fs::exists(log));
    if (number == SIGKILL)
      CHECK(run(folder.path / "elsewhere", "study", {"../grid.toml", "--out", "../stopped"})
                .err.find("another study is running in '../stopped'") != std::string::npos);
    process.signal(number);
    const auto left = process.wait();
    if (number == SIGKILL) break;
    CHECK(left.code == 128 + number);
    CHECK(left.out.find(name + ": stopped at step ") != std::string::npos);
    CHECK(fs::exists(folder.path / "stopped/study.csv"));
  }
  // Of a study that was killed, the run that was going on saves and leaves, and lets go of the
  // lock.
  const Arguments the_rest{"grid.toml", "--out", "stopped", "--threads", "1"};
  auto rest = run(folder.path, "study", the_rest);
  for (int i = 0; i < 1000 && rest.err.find("another study") != std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    rest = run(folder.path, "study", the_rest);
  }
  INFO(rest.err);
  REQUIRE(rest.code == 0);
  CHECK(results(folder.path / "stopped") == results(folder.path / "whole"));
  for (const char* name : {"tmm-1", "tmm-2", "vanilla-2"})
    CHECK(folder.final_state("stopped/runs/" + std::string(name)) ==
          folder.final_state("whole/runs/" + std::string(name)));
}

TEST_CASE("study: a run that fails is named and does not stop the others") {
  if (!study_built()) return;
  const Folder folder("study_fails");
  write(folder.path / "grid.toml",
        smoke + "[[cell]]\nname = \"wild\"\nlearning-rate = 1e37\nclip = 0\n");
  const auto done = run(folder.path, "study", with_data);
  CHECK(done.code == 3);
  CHECK(done.out.find("wild-1: failed at step ") != std::string::npos);
  CHECK(done.out.find("the first bad tensor is ") != std::string::npos);
  CHECK(done.out.find("| tmm |") != std::string::npos);
  CHECK(done.out.find("| wild |") == std::string::npos);
}

TEST_CASE("study: bad input is one sentence and touches no file") {
  if (!study_built()) return;
  const Folder folder("study_bad");
  const auto refuse = [&](const std::string& grid, const std::string& sentence) {
    write(folder.path / "grid.toml", grid);
    check_refusal(folder, "study", {"grid.toml", "--out", "new"}, sentence);
  };
  const auto replaced = [](const std::string& from, const std::string& to) {
    std::string grid = smoke;
    return grid.replace(grid.find(from), from.size(), to);
  };
  refuse("seeds = [1]\n", "has no cells");
  refuse("[[cell]]\nname = \"a\"\n", "has no seeds");
  refuse("seeds = [", "line 1: ");
  refuse(replaced("[1, 2]", "[1, 1]"), "line 2: seed 1 is there twice");
  refuse(replaced("[1, 2]", "[-1]"), "a seed is no whole number");
  refuse(replaced("seeds", "colour = 1\nseeds"), "key 'colour' is unknown");
  refuse(replaced("warmup", "warm-up"), "line 10: key 'warm-up' is no option of a run");
  refuse(replaced("warmup = 5", "out = \"x\""), "'out' is chosen by the study");
  refuse(replaced("rule = \"tmm\"", "length = 8"), "'length' must be the same for all cells");
  refuse(replaced("warmup = 5", "warmup = [5]"), "'warmup' has no single value");
  refuse(replaced("\"tmm\"", "\"vanilla\""), "cell 'vanilla' is there twice");
  refuse(replaced("\"tmm\"", "\"../x\""), "a cell or its group is called '../x'");
  refuse("reference = \"sgd\"\n" + smoke, "reference 'sgd' is none of the cells");
  refuse("reference = 3\n" + smoke, "line 1: reference is no string");
  refuse(replaced("[1, 2]", "\"1\""), "line 2: seeds are no list of numbers");
  refuse(replaced("[1, 2]", "[]"), "line 2: seeds are no list of numbers");
  refuse(replaced("[1, 2]", "[1.5]"), "line 2: a seed is no whole number");
  refuse(replaced("[options]", "[[options]]"), "line 3: options are no table");
  refuse("options = 1\nseeds = [1]\n[[cell]]\nname = \"a\"\n", "line 1: options are no table");
  refuse("seeds = [1]\ncell = 3\n", "line 2: cell is no list of tables");
  refuse("seeds = [1]\n[cell]\nname = \"a\"\n", "line 2: cell is no list of tables");
  refuse(replaced("\"tmm\"", "3"), "name is no string");
  refuse(replaced("group = \"rules\"\nrule = \"tmm\"", "group = 3"), "group is no string");
  refuse(replaced("rule = \"tmm\"", "rule = \"sgd\""), "cell 'tmm': rule 'sgd' is unknown");
  refuse(replaced("rule = \"tmm\"", "steps = 30"),
         "cell 'tmm': its runs train on 960 tokens; expected 1280, as 'vanilla' does");
  refuse(replaced("rule = \"tmm\"", "optimizer = \"x\""), "cell 'tmm': optimizer 'x' is unknown");
  refuse(smoke, "no text to train on; name one with --data");
  const Arguments given{"grid.toml", "--out", "new"};
  check_refusal(folder, "study", given + Arguments{"--jobs", "0"}, "jobs is 0");
  check_refusal(folder, "study", given + Arguments{"--minutes", "-1"}, "minutes is -1");
  check_refusal(folder, "study", given + Arguments{"--list"}, "there is no study in 'new' yet");
  check_refusal(folder, "study", given + Arguments{"--time"}, "there is no study in 'new' yet");
  check_refusal(folder, "study", given + Arguments{"--time", "--list"},
                "expected only one of --list or --figures, --time, and --evaluate");
  check_refusal(folder, "study", given + Arguments{"--evaluate"}, "there is no study in 'new' yet");
  check_refusal(folder, "study", given + Arguments{"--", "--sharpness"},
                "expected --evaluate before it");
  check_refusal(folder, "study", {"none.toml", "--out", "new"}, "none.toml");

  // Of a study that was begun, neither texts nor options change.
  REQUIRE(run(folder.path, "study", with_data + Arguments{"--only", "tmm"}).code == 0);
  const Arguments begun{"grid.toml", "--out", "study"};
  check_refusal(folder, "study", begun + Arguments{"--only", "sgd"},
                "cell 'sgd' is not in the grid");
  write(folder.path / "grid.toml", replaced("\"vanilla\"\n[", "\"sgd\"\n["));
  check_refusal(folder, "study", begun, "cell 'vanilla': rule 'sgd' is unknown; expected vanilla");
  write(folder.path / "grid.toml",
        replaced("\"vanilla\"\n[", "\"tmm\"\nshape = \"study-wide\"\n["));
  check_refusal(folder, "study", begun, "was not compiled for shape 'study-wide'");
  write(folder.path / "grid.toml", replaced("steps = 40", "steps = 50"));
  check_refusal(folder, "study", begun, "steps was 40 there and is 50 now");
  write(folder.path / "grid.toml", smoke);
  const fs::path log = folder.path / "study/runs/tmm-2/log.csv";
  const std::string lines_of_log = read(log);
  write(log, lines_of_log + "x\n");
  check_refusal(folder, "study", begun,
                "remove '" + log.parent_path().string() + "' to train it again");
  fs::remove(log);
  check_refusal(folder, "study", begun + Arguments{"--list"}, "has checkpoints but no log.csv");
  write(log, lines_of_log);
  write(folder.path / "other.txt", Folder::text() + "more");
  check_refusal(folder, "study", begun + Arguments{"--data", "other.txt"},
                "was begun with other texts");
}

TEST_SUITE_END();
