// SPDX-License-Identifier: MIT
// Compares training runs: one table, and validation loss against tokens and against time.
//
//   compare runs/vanilla runs/tmm
//   compare runs/* --out curves.svg
//
// Exit codes: 0 done, 2 bad input.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "../support/program.hpp"
#include "runs.hpp"

using namespace optiform;

namespace {

/// Last parts of paths where they tell the runs apart.
void shorten_titles(std::vector<Run>& runs) {
  std::map<std::string, int> count;
  const auto last = [](const Run& run) {
    return std::filesystem::path(run.title).filename().string();
  };
  for (const Run& run : runs) ++count[last(run)];
  if (count.size() < runs.size() || count.contains("") || count.contains(".")) return;
  for (Run& run : runs) run.title = last(run);
}

void print_table(const std::vector<Run>& runs) {
  // What all runs have reached: who was there first?
  double goal = runs[0].best;
  std::size_t width = 3;
  for (const Run& run : runs) {
    goal = std::max(goal, run.best);
    width = std::max(width, run.title.size());
  }
  char at_goal[40];
  std::snprintf(at_goal, sizeof at_goal, "at %.4f:", goal);
  const int name = static_cast<int>(width);
  std::printf("%-*s %9s %12s %11s %9s %10s %10s %14s %10s\n", name, "run", "steps", "tokens",
              "validation", "best", "seconds", "tokens/s", at_goal, "");
  std::printf("%-*s %9s %12s %11s %9s %10s %10s %14s %10s\n", name, "", "", "", "", "", "", "",
              "tokens", "seconds");
  for (const Run& run : runs) {
    const LogRow& last = run.log.back();
    const LogRow& there =
        *std::find_if(run.validations.begin(), run.validations.end(),
                      [&](const LogRow& row) { return row.validation_loss <= goal; });
    std::printf("%-*s %9lld %12lld %11.4f %9.4f %10.1f %10.0f %14lld %10.1f\n", name,
                run.title.c_str(), static_cast<long long>(last.step),
                static_cast<long long>(last.tokens), run.validations.back().validation_loss,
                run.best, last.seconds,
                last.seconds > 0 ? static_cast<double>(last.tokens) / last.seconds : 0.,
                static_cast<long long>(there.tokens), there.seconds);
  }
}

int compare(int argc, char** argv) {
  std::vector<std::string> directories;
  std::string out = "curves.png";
  CLI::App app("Compares training runs by their logs", "compare");
  app.add_option("runs", directories, "run directories, as pretrain writes them")->required();
  app.add_option("--out", out, "figure, .png or .svg (empty: none)")->capture_default_str();
  if (!parse_arguments(app, argc, argv)) return 0;
  std::vector<Run> runs;
  for (const auto& directory : directories) runs.push_back(read_run(directory));
  shorten_titles(runs);
  if (!out.empty()) draw(out, runs);
  print_table(runs);
  if (!out.empty()) std::printf("figure: %s\n", out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("compare", [&] { return compare(argc, argv); });
}
