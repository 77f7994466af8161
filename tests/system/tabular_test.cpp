// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <sstream>

#include "program.hpp"

using namespace programs;

namespace {

bool tabular_built() {
  const bool built = fs::exists(path("tabular"));
  if (!built) MESSAGE("skipped: the example programs were not built");
  return built;
}

struct Line {
  long long iteration = 0, restarts = 0;
  std::string objective;
  double gap = 0;
};

/// The lines of a run that are no comments.
std::vector<Line> rows(const std::string& out) {
  std::vector<Line> all;
  std::istringstream in(out);
  for (std::string text; std::getline(in, text);) {
    if (text.empty() || text[0] == '#') continue;
    std::istringstream words(text);
    Line line;
    std::string rest;
    CHECK(
        static_cast<bool>(words >> line.iteration >> line.objective >> line.gap >> line.restarts));
    CHECK(!(words >> rest));
    all.push_back(line);
  }
  return all;
}

constexpr const char* two_states = R"({"discount": 0.9, "rewards": [[1, 0], [0.5, null]],
  "transitions": [[[0.5, 0.5], [0, 1]], [[1, 0], null]], "start": [0.5, 0.5]})";

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("tabular: prints iteration, J, gap and restarts to twelve digits") {
  if (!tabular_built()) return;
  const Folder folder("tabular");
  const auto apg =
      run(folder.path, "tabular", {"--method", "apg", "--iterations", "5e3", "--at", "1,100,1000"});
  CHECK(apg.code == 0);
  CHECK(apg.err.empty());
  const auto lines = rows(apg.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].objective == "6.01640749424");
  CHECK(lines[1].objective == "6.03539030675");
  CHECK(lines[2].objective == "7.97355394013");
  CHECK(lines[3].iteration == 5000);
  CHECK(lines[3].objective == "9.4024367647");
  CHECK(lines[3].gap == doctest::Approx(9.408398506373334 - 9.4024367647));
  CHECK(lines[3].restarts == 0);
}

TEST_CASE("tabular: several methods and starts, a table of all rows and a figure") {
  if (!tabular_built()) return;
  const Folder folder("tabular_several");
  const auto result = run(folder.path, "tabular",
                          {"--start", "uniform,hard", "--method", "pg,npg", "--iterations", "1000",
                           "--at", "1000", "--csv", "rows.csv"});
  CHECK(result.code == 0);
  const auto lines = rows(result.out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].objective == "6.04612675573");  // in lockstep
  CHECK(lines[1].objective == "3.78515661063");
  const std::string csv = read(folder.path / "rows.csv");
  CHECK(csv.starts_with("method,start,seed,iteration,objective,gap,restarts\npg,uniform,1,1000,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 5);
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) {
    MESSAGE("figure skipped: gnuplot was not found");
    return;
  }
  const auto drawn = run(folder.path, "tabular",
                         {"--method", "apg,pg", "--iterations", "100", "--plot", "gaps.png"});
  CHECK(drawn.code == 0);
  CHECK(read(folder.path / "gaps.png").substr(1, 3) == "PNG");
}

TEST_CASE("tabular: processes and starts from files; seeds are averaged and repeat") {
  if (!tabular_built()) return;
  const Folder folder("tabular_files");
  write(folder.path / "mdp.json", two_states);
  write(folder.path / "start.json", "[[0, 3], [0, null]]");
  const Arguments drawn{"--mdp",    "mdp.json",     "--start", "start.json", "--method",
                        "ppo-clip", "--iterations", "300",     "--seeds",    "3"};
  const auto first = run(folder.path, "tabular", drawn),
             second = run(folder.path, "tabular", drawn);
  CHECK(first.code == 0);
  CHECK(first.out == second.out);
  const auto lines = rows(first.out);
  REQUIRE(!lines.empty());
  CHECK(lines.back().gap < 1e-3);
  CHECK(lines.front().gap > 0.1);
  CHECK(first.out.find("standard deviation of 3 seeds") != std::string::npos);
  // A process that breaks an assumption of the theorems is run all the same.
  const auto warned = run(folder.path, "tabular", {"--mdp", "q3", "--iterations", "10"});
  CHECK(warned.code == 0);
  CHECK(warned.err.find("warning: exploratory start: start probability of state 1 is 0") == 0);
}

TEST_CASE("tabular: bad names, numbers and files are one sentence and exit code 2") {
  if (!tabular_built()) return;
  const Folder folder("tabular_bad");
  const auto with = [](std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
  };
  write(folder.path / "empty.json", "");
  write(folder.path / "half.json", std::string(two_states).substr(0, 60));
  write(folder.path / "sum.json", with(two_states, "0.5, 0.5], [0", "0.5, 0.4], [0"));
  write(folder.path / "gamma.json", with(two_states, "0.9", "1"));
  write(folder.path / "reward.json", with(two_states, "[1, 0]", "[NaN, 0]"));
  write(folder.path / "stuck.json",
        with(with(two_states, "[0.5, null]", "[null, null]"), "[[1, 0], null]", "[null, null]"));
  write(folder.path / "start.json", "[[0, 0]]");
  const struct {
    Arguments arguments;
    std::string sentence;
  } cases[] = {
      {{"--mdp", "nothing"}, "unknown name"},
      {{"--mdp", "missing.json"}, "'missing.json'"},
      {{"--mdp", "empty.json"}, "'empty.json'"},
      {{"--mdp", "half.json"}, "'half.json'"},
      {{"--mdp", "sum.json"}, "sum to 0.9, expected 1"},
      {{"--mdp", "gamma.json"}, "discount"},
      {{"--mdp", "reward.json"}, "'reward.json'"},
      {{"--mdp", "stuck.json"}, "state 1 has no available action"},
      {{"--start", "start.json"}, "'start.json'"},
      {{"--start", "sideways"}, "expected default, uniform or hard"},
      {{"--method", "magic"}, "method 'magic' is unknown; expected one of: pg heavy-ball"},
      {{"--iterations", "many"}, "--iterations is 'many', expected a whole number"},
      {{"--iterations", "10", "--at", "20"}, "--at names iteration 20"},
      {{"--rate", "-1"}, "--rate"},
      {{"--colour", "blue"}, "--colour"},
      {{"--csv", "no/such/folder.csv"}, "no/such/folder.csv"},
  };
  for (const auto& c : cases) check_refusal(folder, "tabular", c.arguments, c.sentence);
}
