// SPDX-License-Identifier: MIT
#include <cmath>

#include "program.hpp"

using namespace programs;

namespace {

bool compare_built() {
  const bool built = fs::exists(path("compare"));
  if (!built) MESSAGE("skipped: the example programs were not built");
  return built;
}

/// A run whose validation loss falls from 5 to `last` in 20 steps.
void write_run(const fs::path& directory, double last, double seconds_per_step) {
  fs::create_directories(directory);
  std::string text =
      "step,tokens,training_loss,validation_loss,learning_rate,gradient_norm,tokens_per_second,"
      "seconds\n";
  for (int step = 0; step <= 20; ++step) {
    const double loss = last + (5 - last) * std::exp(-step / 4.);
    text += std::to_string(step) + "," + std::to_string(100 * step) + ",," +
            (step % 2 == 0 ? std::to_string(loss) : "") + ",1e-3,1,," +
            std::to_string(step * seconds_per_step) + "\n";
  }
  write(directory / "log.csv", text);
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("compare: prints a table and draws both panels as PNG and SVG") {
  if (!compare_built()) return;
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: gnuplot was not found");
    return;
  }
  const Folder folder("compare");
  write_run(folder.path / "runs/slow", 3, 2);
  write_run(folder.path / "runs/fast's", 2, 1);
  for (const char* name : {"curves.png", "curves.svg"}) {
    const auto drawn = run(folder.path, "compare", {"runs/slow/", "runs/fast's", "--out", name});
    CHECK(drawn.code == 0);
    CHECK(drawn.err.empty());
    CHECK(drawn.out.find("slow          20         2000") != std::string::npos);
    CHECK(drawn.out.find("at 3.0135:") != std::string::npos);
    CHECK(read(folder.path / name).size() > 10000);
  }
  CHECK(read(folder.path / "curves.png").starts_with("\x89PNG"));
  const std::string svg = read(folder.path / "curves.svg");
  for (const char* words : {"slow", "fast?s", "training tokens", "training time", "nats per token"})
    CHECK_MESSAGE(svg.find(words) != std::string::npos, words);
  CHECK(run(folder.path, "compare", {"runs/slow", "--out", ""}).code == 0);
}

TEST_CASE("compare: bad input is one sentence and draws nothing") {
  if (!compare_built()) return;
  const Folder folder("compare_bad");
  write_run(folder.path / "good", 3, 1);
  fs::create_directories(folder.path / "empty");
  fs::create_directories(folder.path / "young");
  write(folder.path / "young/log.csv", read(folder.path / "good/log.csv").substr(0, 106));
  fs::create_directories(folder.path / "damaged");
  write(folder.path / "damaged/log.csv", read(folder.path / "good/log.csv") + "x\n");
  check_refusal(folder, "compare", {}, "runs is required");
  check_refusal(folder, "compare", {"good", "--colour", "red"}, "--colour");
  check_refusal(folder, "compare", {"good", "nowhere"}, "'nowhere' does not exist");
  check_refusal(folder, "compare", {"empty"}, "cannot open 'empty/log.csv'");
  check_refusal(folder, "compare", {"young"}, "its log holds no validation yet");
  check_refusal(folder, "compare", {"damaged"}, "line 23: expected 8 cells");
  check_refusal(folder, "compare", {"good", "--out", "x.pdf"}, "ends in .png or .svg");
}

TEST_SUITE_END();
