// SPDX-License-Identifier: MIT
#include "study.hpp"

using namespace programs;

namespace {

const Arguments begun{"grid.toml", "--out", "study"};
const Arguments few{"--batches", "4", "--batch", "2"};

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("study: every finished run is evaluated once, by the options behind --") {
  if (!study_built()) return;
  const Folder folder("study_evaluate");
  write(folder.path / "grid.toml", smoke);
  check_refusal(folder, "study", begun + Arguments{"--evaluate"}, "there is no study");
  REQUIRE(run(folder.path, "study", with_data + Arguments{"--only", "tmm", "--jobs", "2"}).code ==
          0);
  check_refusal(folder, "study", begun + Arguments{"--evaluate", "--only", "vanilla"},
                "no run has finished yet");
  check_refusal(folder, "study", begun + Arguments{"--evaluate", "--", "--csv", "tables"},
                "'--csv' names one file for all runs");

  const fs::path study = folder.path / "study";
  const auto before = snapshot(study / "runs");
  const Arguments evaluate = begun + Arguments{"--evaluate", "--threads", "1", "--"};
  const auto first = run(folder.path, "study", evaluate + few + Arguments{"--scalars"});
  INFO(first.err);
  REQUIRE(first.code == 0);
  CHECK(first.out.find("[1 of 2] evaluating tmm-1") != std::string::npos);
  CHECK(snapshot(study / "runs") == before);

  // A row per run of what evaluate prints of it, means over seeds in the other table.
  const auto rows = read_csv(study / "evaluations.csv");
  REQUIRE(rows.size() == 3);
  double sum = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].size() == rows[0].size());
    const auto alone = run(
        folder.path, "study",
        Arguments{"evaluate", "study/runs/tmm-" + rows[i][1], "--threads", "1", "--scalars"} + few);
    REQUIRE(alone.code == 0);
    auto expected = lines(alone.out);
    REQUIRE(expected.size() == rows[0].size() - 2);
    for (std::size_t k = 2; k < rows[i].size(); ++k)
      CHECK(std::stod(rows[i][k]) == doctest::Approx(expected.at(rows[0][k])).epsilon(1e-8));
    sum += expected.at("validation_loss");
  }
  const std::string table = read(study / "evaluations.md");
  CHECK(first.out.ends_with(table));
  char mean[40];
  std::snprintf(mean, sizeof mean, " %.5g ± ", sum / 2);
  CHECK(table.starts_with("| cell | "));
  CHECK(table.find("| tmm |") != std::string::npos);
  CHECK(table.find(mean) != std::string::npos);

  // With the same options only what is new; with others all anew.
  REQUIRE(run(folder.path, "study", with_data).code == 0);
  const auto second = run(folder.path, "study", evaluate + few + Arguments{"--scalars"});
  CHECK(second.out.find("evaluating tmm-1") == std::string::npos);
  CHECK(second.out.find("evaluating vanilla-2") != std::string::npos);
  CHECK(read_csv(study / "evaluations.csv").size() == 5);
  const Arguments tuning{"--forgetting",           "text.txt", "--forgetting-steps",   "2",
                         "--forgetting-sequences", "2",        "--forgetting-batches", "2",
                         "--forgetting-warmup",    "0"};
  const auto third = run(folder.path, "study", evaluate + few + tuning);
  CHECK(third.out.find("evaluating tmm-1") != std::string::npos);
  INFO(third.out);
  CHECK(third.out.find(" plasticity |") != std::string::npos);

  // Tables are of all that was measured by these options, whatever --only says.
  const Arguments one = begun + Arguments{"--evaluate", "--only", "tmm", "--threads", "1", "--"};
  CHECK(run(folder.path, "study", one + few + Arguments{"--scalars"}).code == 0);
  CHECK(read_csv(study / "evaluations.csv").size() == 5);
  // Hybrids of several layers are a column each.
  REQUIRE(run(folder.path, "study", one + few + Arguments{"--hybrid", "0,0"}).code == 0);
  const auto hybrids = read_csv(study / "evaluations.csv");
  REQUIRE(hybrids.size() == 3);
  CHECK(hybrids[1].size() == hybrids[0].size());
  CHECK(std::find(hybrids[0].begin(), hybrids[0].end(), "hybrid_0+0_loss") != hybrids[0].end());
  // A run that was trained again is measured again.
  fs::remove_all(study / "runs/tmm-1");
  REQUIRE(run(folder.path, "study", with_data).code == 0);
  const auto retrained = run(folder.path, "study", one + few + Arguments{"--hybrid", "0,0"});
  CHECK(retrained.out.find("evaluating tmm-1") != std::string::npos);
  CHECK(retrained.out.find("evaluating tmm-2") == std::string::npos);
  // A study that was moved is measured on its own text.
  fs::rename(study, folder.path / "moved");
  const auto moved =
      run(folder.path, "study",
          Arguments{"grid.toml", "--out", "moved", "--evaluate", "--only", "tmm", "--"} + few);
  CHECK_MESSAGE(moved.code == 0, moved.out);
  fs::rename(folder.path / "moved", study);

  // What evaluate refuses is told, run by run; nothing is lost.
  const auto before_refusal = read(study / "evaluations.csv");
  const auto refused = run(folder.path, "study", evaluate + Arguments{"--batch", "0"});
  CHECK(refused.code == 3);
  CHECK(refused.out.find("tmm-1: failed: evaluate: batch is 0") != std::string::npos);
  CHECK(read(study / "evaluations.csv") == before_refusal);
  const auto exact = run(folder.path, "study", evaluate + few + Arguments{"--exact"});
  CHECK(exact.out.find("failed: evaluate: this program has no models in dual numbers") !=
        std::string::npos);
  const auto tuned = run(folder.path, "study", evaluate + few + tuning);
  CHECK(tuned.out.find("evaluating tmm-1") != std::string::npos);  // trained again above
  CHECK(tuned.out.find("evaluating tmm-2") == std::string::npos);
  CHECK(tuned.out.find("evaluating vanilla") == std::string::npos);
}
