// SPDX-License-Identifier: MIT
#include <cmath>

#include "program.hpp"

using namespace programs;

namespace {

bool evaluate_built() {
  const bool all = built() && fs::exists(path("evaluate"));
  if (!all) MESSAGE("skipped: the example programs were not built");
  return all;
}

std::size_t count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A run of two layers.
void train(const Folder& folder, const std::string& rule) {
  Arguments arguments = small + Arguments{"--rule", rule, "--out", rule};
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--layers") arguments[i + 1] = "2";
  REQUIRE(run(folder.path, "pretrain", arguments).code == 0);
}

const Arguments few{"--batches", "4", "--batch", "4"};

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("evaluate: one line per number, one table per list") {
  if (!evaluate_built()) return;
  const Folder folder("evaluate");
  train(folder, "tmm");
  write(folder.path / "other.txt", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23");
  const auto measured =
      run(folder.path, "evaluate",
          Arguments{"tmm", "--corpus", "other=other.txt", "--hybrid", "0-1", "--hybrid", "1",
                    "--hybrid", "none", "--entropy", "--scalars", "--slice", "--csv", "tables"} +
              few);
  INFO(measured.err);
  REQUIRE(measured.code == 0);
  const auto value = lines(measured.out);
  const double loss = value.at("validation_loss");
  CHECK(value.at("tokens") == 4 * 4 * 16);
  CHECK(loss > 0.5);
  CHECK(loss < 5);
  CHECK(value.at("validation_perplexity") == doctest::Approx(std::exp(loss)).epsilon(1e-6));
  CHECK(value.at("other_loss") > loss + 1);
  CHECK(value.at("corpora_mean_perplexity") == value.at("other_perplexity"));
  CHECK(value.at("hybrid_0-1_loss") == loss);
  CHECK(value.at("hybrid_1_loss") > loss);
  CHECK(value.at("hybrid_none_loss") > loss);
  CHECK(value.at("attention_entropy_mean") > 0);
  CHECK(value.at("attention_entropy_mean") <= value.at("attention_entropy_if_even") * (1 + 1e-6));
  CHECK(value.at("scalar_1_mlp_nu") == doctest::Approx(1).epsilon(0.2));
  CHECK(value.at("slice_0") > 0);
  CHECK(value.at("slice_-0.5") > value.at("slice_0"));
  CHECK(count(read(folder.path / "tables/slice.csv")) == 12);
  CHECK(count(read(folder.path / "tables/scalars.csv")) == 1 + 2 * 2 * 4);
  CHECK(count(read(folder.path / "tables/attention_entropy.csv")) == 1 + 2 * 2);
}

TEST_CASE("evaluate: exact curvature and its differences agree; spectra and forgetting print") {
  if (!evaluate_built()) return;
  const Folder folder("evaluate_inside");
  train(folder, "nesterov");
  const Arguments curvature =
      Arguments{"nesterov", "--sharpness", "--probes", "2", "--sharpness-batch", "4"} + few;
  const auto exact = run(folder.path, "evaluate", curvature + Arguments{"--exact"});
  const auto differences = run(folder.path, "evaluate", curvature);
  REQUIRE(exact.code == 0);
  REQUIRE(differences.code == 0);
  const auto a = lines(exact.out), b = lines(differences.out);
  CHECK(a.at("sharpness_tokens") == 2 * 4 * 16);
  for (const char* key : {"top_eigenvalue", "hessian_trace", "trace_per_parameter"})
    CHECK_MESSAGE(b.at(key) == doctest::Approx(a.at(key)).epsilon(0.02), key);

  const auto spectra = run(folder.path, "evaluate",
                           Arguments{"nesterov", "--jacobian", "--jacobian-batches", "1", "--rank",
                                     "4", "--csv", "tables"} +
                               few);
  REQUIRE(spectra.code == 0);
  const auto s = lines(spectra.out);
  CHECK(s.at("block_layer_1_condition") >= 1);
  CHECK(s.at("oracle_mean_stable_rank") >= 1);
  CHECK(count(read(folder.path / "tables/spectra.csv")) == 1 + 2 * 2 * 4);

  std::string digits;
  for (int i = 0; i < 3000; ++i) digits += std::to_string(i % 7);
  write(folder.path / "digits.txt", digits);
  const auto tuned = run(folder.path, "evaluate",
                         Arguments{"nesterov", "--forgetting", "digits.txt", "--forgetting-steps",
                                   "40", "--forgetting-sequences", "8", "--forgetting-rate", "3e-3",
                                   "--forgetting-warmup", "5", "--forgetting-batches", "4"} +
                             few);
  REQUIRE(tuned.code == 0);
  const auto t = lines(tuned.out);
  CHECK(t.at("plasticity") > 1);
  CHECK(t.at("forgetting") > 0.05);
  CHECK(t.at("forgetting") ==
        doctest::Approx(t.at("source_loss_after") - t.at("source_loss_before")).epsilon(1e-6));
}

TEST_CASE("evaluate: bad input is one sentence and writes nothing") {
  if (!evaluate_built()) return;
  const Folder folder("evaluate_bad");
  train(folder, "tmm");
  fs::create_directories(folder.path / "young");
  write(folder.path / "young/config.toml", read(folder.path / "tmm/config.toml"));
  write(folder.path / "little.txt", "short");
  const auto refused = [&](const Arguments& arguments, const std::string& sentence) {
    check_refusal(folder, "evaluate", arguments, sentence);
  };
  refused({}, "run is required");
  refused({"nowhere"}, "run directory 'nowhere' does not exist");
  refused({"young"}, "there is no checkpoint in 'young/checkpoints'");
  refused({"tmm", "--data", "little.txt"},
          "sequence length 16 needs a validation text of at least 17 tokens; it has 5");
  refused({"tmm", "--length", "17"}, "length is 17 tokens; expected at most the run's 16");
  refused({"tmm", "--batch", "0"}, "batch is 0; expected at least 1");
  refused({"tmm", "--probes", "0", "--sharpness"}, "probes is 0; expected at least 1");
  write(folder.path / "long.txt", Folder::text().substr(0, 300));
  const struct {
    Arguments arguments;
    std::string sentence;
  } late[] = {
      {{"--hybrid", "x"}, "layers 'x' are not understood"},
      {{"--hybrid", "1-"}, "layers '1-' are not understood"},
      {{"--hybrid", "0,"}, "layers '0,' are not understood"},
      {{"--hybrid", "0;1"}, "layers '0;1' are not understood"},
      {{"--hybrid", "0-2"}, "layers 0 to 2 were chosen; expected numbers from 0 to 1"},
      {{"--corpus", "other.txt"}, "corpus 'other.txt' has no name; expected NAME=FILE"},
      {{"--corpus", "a,b=long.txt"}, "has the name 'a,b'; expected letters, digits and . _ -"},
      {{"--corpus", "a=none.txt"}, "text file 'none.txt' does not exist"},
      {{"--corpus", "a=little.txt"}, "needs a a text of at least 17 tokens; it has 5"},
      {{"--forgetting", "none.txt", "--forgetting-sequences", "14"},
       "text file 'none.txt' does not exist"},
      {{"--forgetting", "long.txt"}, "forgetting sequences is 480; expected a multiple of"},
      {{"--forgetting", "long.txt", "--forgetting-sequences", "7"},
       "needs a target text of at least 17 tokens"},
      {{"--forgetting-warmup", "-1"}, "warm-up is -1 steps"},
      {{"--forgetting-batches", "0"}, "forgetting batches is 0; expected at least 1"},
      {{"--slice", "--plot", "slice.gif"}, "figure 'slice.gif': expected a name that ends in"},
      {{"--slice", "--slice-batches", "0"}, "slice batches is 0; expected at least 1"},
      {{"--exact", "--sharpness-batch", "-1"}, "sharpness batch is -1; expected at least 1"},
      {{"--sharpness", "--step", "-1"}, "step is -1; expected 0 (by precision) or more"},
      {{"--jacobian", "--jacobian-batches", "0"}, "jacobian batches is 0; expected at least 1"},
      {{"--jacobian", "--jacobian-batch", "0"}, "jacobian batch is 0; expected at least 1"},
      {{"--csv", "little.txt"}, "cannot write tables into 'little.txt'"},
  };
  for (const auto& bad : late) {
    const Arguments arguments = Arguments{"tmm", "--batch", "7"} + bad.arguments;
    refused(arguments, bad.sentence);
    const auto done = run(folder.path, "evaluate", arguments);
    CHECK_MESSAGE(done.out.empty(), bad.sentence);  // nothing was measured before
  }
  write(folder.path / "text.txt", Folder::text() + " and more");
  refused({"tmm"},
          "the text 'text.txt' is not the one that the run was validated on; name a text with "
          "--data");
}
