// SPDX-License-Identifier: MIT
#include <random>

#include "program.hpp"

using namespace programs;

namespace {

void flip_bit(std::string& bytes, std::mt19937& random) {
  char& byte = bytes[random() % bytes.size()];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << random() % 8));
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("pretrain: bad numbers, names and files are one sentence and exit code 2") {
  if (!built()) return;
  const Folder folder("bad");
  write(folder.path / "empty.txt", "");
  write(folder.path / "short.txt", "too short");
  write(folder.path / "half.model", std::string("\n\x10\n\x05<unk>\x15", 11));
  write(folder.path / "empty.model", "");
  fs::create_directories(folder.path / "directory");
  const struct {
    Arguments arguments;
    std::string sentence;
  } cases[] = {
      {{"--data", "missing.txt"}, "text file 'missing.txt' does not exist"},
      {{"--data", "empty.txt"}, "text file 'empty.txt' is empty"},
      {{"--data", "directory"}, "'directory' is a directory"},
      {{"--data", "short.txt"}, "needs a training text of at least 17 tokens; it has"},
      {{"--validation", "short.txt"}, "needs a validation text of at least 17 tokens; it has 9"},
      {{"--validation", "missing.txt"}, "text file 'missing.txt' does not exist"},
      {{"--tokenizer", "missing.model"}, "'missing.model'"},
      {{"--tokenizer", "empty.model"}, "'empty.model' is no SentencePiece model"},
      {{"--tokenizer", "half.model"}, "'half.model' is no SentencePiece model"},
      {{"--tokenizer", "text.txt"}, "'text.txt' is no SentencePiece model"},
      {{"--tokenizer", "bpe:many"}, "names no number of pieces"},
      {{"--tokenizer", "bpe:0"}, "names no number of pieces"},
      {{"--tokenizer", "bpe:60000"}, "cannot learn 60000 pieces from a text of"},
      {{"--vocabulary", "200"}, "vocabulary is 200 but tokenizer 'bytes' has 256 tokens"},
      {{"--context", "8"}, "sequence length is 16; expected 1 to the model's context of 8"},
      {{"--rule", "sgd"}, "rule 'sgd' is unknown"},
      {{"--shape", "huge"}, "shape 'huge' is unknown"},
      {{"--schedule", "step"}, "schedule 'step' is unknown"},
      {{"--warmup", "100"}, "warm-up is 100 steps but the run has only 60"},
      {{"--learning-rate", "0"}, "learning rate is 0"},
      {{"--learning-rate", "nan"}, "learning rate is"},
      {{"--learning-rate", "fast"}, "--learning-rate"},
      {{"--steps", "0"}, "steps is 0; expected at least 1"},
      {{"--steps", "many"}, "--steps"},
      {{"--batch", "-1"}, "batch is -1"},
      {{"--batch", "1000000", "--length", "64"}, "MiB of memory and this machine has"},
      {{"--layers", "-1"}, "layers is -1"},
      {{"--layers", "999999999"}, "layers is 999999999"},
      {{"--threads", "-1"}, "threads is -1"},
      {{"--clip", "-1"}, "clip is -1"},
      {{"--accumulate", "0"}, "accumulate is 0"},
      {{"--weight-decay", "-0.1"}, "weight decay is -0.1"},
      {{"--optimizer", "sgdd"}, "optimizer 'sgdd' is unknown; expected adamw, muon, soap"},
      {{"--recompute", "some"},
       "recompute 'some' is unknown; expected nothing, activations or layers"},
      {{"--memory", "-1"}, "memory is -1 MiB"},
      {{"--optimizer", "muon", "--matrix-rate", "-1"}, "matrix rate is -1"},
      {{"--sam", "-1"}, "sam is -1; expected 0 (off) or a positive radius"},
      {{"--ema", "1"}, "decay of the weight average is 1"},
      {{"--final-rate", "2"}, "final fraction of the learning rate is 2"},
      {{"--validation-blocks", "0"}, "number of validation blocks is 0"},
      {{"--unknown", "1"}, "--unknown"},
      {{"--out", "text.txt"}, "run directory 'text.txt' is a file"},
      {{"--out", "."}, "run directory '.' is not empty"},
      {{"--out", ".", "--resume"}, "it is no run directory"},
  };
  for (const auto& bad : cases)
    check_refusal(folder, "pretrain", small + Arguments{"--out", "run"} + bad.arguments,
                  bad.sentence);
  check_refusal(folder, "pretrain", {"--shape", "tiny"},
                "no text to train on; name one with --data");
}

TEST_CASE("pretrain: packed texts that are damaged are refused") {
  if (!built()) return;
  if (std::system("xz --version > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: no xz program");
    return;
  }
  const Folder folder("xz");
  REQUIRE(std::system(("xz -k " + (folder.path / "text.txt").string()).c_str()) == 0);
  const std::string good = read(folder.path / "text.txt.xz");
  write(folder.path / "half.xz", good.substr(0, good.size() / 2));
  check_refusal(folder, "pretrain", small + Arguments{"--out", "run", "--data", "half.xz"},
                "'half.xz' cannot be unpacked");
  CHECK(run(folder.path, "pretrain",
            small + Arguments{"--out", "run", "--steps", "5", "--data", "text.txt.xz"})
            .code == 0);
}

TEST_CASE("pretrain: a TOML file with mistakes is refused with its line") {
  if (!built()) return;
  const Folder folder("toml_errors");
  const struct {
    std::string text, sentence;
  } cases[] = {
      {"steps = 5\nstep = 6\n", "line 2: key 'step' is not an option"},
      {"steps = \n", "line 1: "},
      {"steps = 5\nsteps = 6\n", "line 2: "},
      {"steps = [1, 2]\n", "line 1: key 'steps' has no single value"},
      {"[training]\nsteps = 5\n", "key 'training' is not an option"},
      {"steps = \"many\"\n", "--steps"},
      {"config = \"other.toml\"\n", "key 'config' is not an option"},
      {"\xff\xfe", "line 1: "},
  };
  for (const auto& bad : cases) {
    write(folder.path / "bad.toml", bad.text);
    check_refusal(folder, "pretrain", {"--dry-run", "--config", "bad.toml"}, bad.sentence);
  }
  check_refusal(folder, "pretrain", {"--dry-run", "--config", "missing.toml"}, "'missing.toml'");
}

TEST_CASE("pretrain: 1,000 random bit flips in a TOML file are read or refused, never a crash" *
          doctest::timeout(300)) {
  if (!built()) return;
  const Folder folder("toml_flips");
  const std::string good =
      "# sizes\nshape = \"tiny\"\nrule = \"tmm\"\nlayers = 2\nlength = 16\nsteps = 40\n"
      "learning-rate = 1.5e-3\nschedule = 'wsd'\nprompt = \"a \\u00e9 b\"\nclip = 1\n";
  std::mt19937 random(2);
  int refused = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::string text = good;
    flip_bit(text, random);
    write(folder.path / "flipped.toml", text);
    const auto done = run(folder.path, "pretrain", {"--dry-run", "--config", "flipped.toml"});
    CAPTURE(text);
    CAPTURE(done.err);
    REQUIRE((done.code == 0 || done.code == 2));
    REQUIRE(std::count(done.err.begin(), done.err.end(), '\n') == (done.code == 2 ? 1 : 0));
    refused += done.code == 2;
  }
  CHECK(refused > 300);
}

TEST_CASE("pretrain: an existing run is refused, a resume under other settings too") {
  if (!built()) return;
  const Folder folder("existing");
  const Arguments first =
      small + Arguments{"--out", "run", "--steps", "20", "--tokenizer", "bpe:290"};
  const auto done = run(folder.path, "pretrain", first);
  INFO(done.err);
  REQUIRE(done.code == 0);
  write(folder.path / "other.txt", Folder::text().substr(100));
  check_refusal(folder, "pretrain", first, "run directory 'run' is not empty; use --resume");
  const Arguments again = first + Arguments{"--resume"};
  check_refusal(folder, "pretrain", again + Arguments{"--rule", "vanilla"},
                "rule was tmm there and is vanilla now");
  check_refusal(folder, "pretrain", again + Arguments{"--layers", "2"},
                "layers was 1 there and is 2 now");
  check_refusal(folder, "pretrain", again + Arguments{"--tokenizer", "bytes"},
                "checksum of the tokenizer was");
  check_refusal(folder, "pretrain", again + Arguments{"--data", "other.txt"},
                "checksum of the training text");
}

TEST_CASE("pretrain and generate: a damaged run directory is refused and left alone") {
  if (!built()) return;
  const Folder folder("damaged");
  const Arguments first =
      small + Arguments{"--out", "run", "--steps", "20", "--tokenizer", "bpe:290"};
  REQUIRE(run(folder.path, "pretrain", first).code == 0);
  const Arguments again = first + Arguments{"--resume"}, text{"run", "--tokens", "3"};
  REQUIRE(run(folder.path, "generate", text).code == 0);
  const auto good = snapshot(folder.path / "run");
  std::mt19937 random(3);
  for (const auto& entry : good) {
    const std::string &name = entry.first, &bytes = entry.second;
    const fs::path file = folder.path / "run" / name;
    const bool checkpoint = name.starts_with("checkpoints");
    if (!checkpoint && name != "tokenizer.model") continue;
    CAPTURE(name);
    for (int trial = 0; trial < 5; ++trial) {
      std::string damaged = bytes;
      flip_bit(damaged, random);
      write(file, damaged);
      check_refusal(folder, "pretrain", again,
                    checkpoint ? "cannot use the checkpoint" : "tokenizer");
      check_refusal(folder, "generate", text,
                    checkpoint ? "cannot use the checkpoint" : "tokenizer");
    }
    write(file, bytes.substr(0, bytes.size() / 2));
    check_refusal(folder, "pretrain", again, "");
    check_refusal(folder, "generate", text, "");
    write(file, bytes);
  }
  fs::remove(folder.path / "run/tokenizer.model");
  check_refusal(folder, "pretrain", again, "tokenizer.model'");
  check_refusal(folder, "generate", text, "tokenizer.model'");
}

TEST_CASE("generate: bad requests are one sentence and exit code 2") {
  if (!built()) return;
  const Folder folder("generate");
  REQUIRE(run(folder.path, "pretrain", small + Arguments{"--out", "run", "--steps", "5"}).code ==
          0);
  fs::create_directories(folder.path / "empty");
  const struct {
    Arguments arguments;
    std::string sentence;
  } cases[] = {
      {{}, "run is required"},
      {{"missing"}, "run directory 'missing' does not exist"},
      {{"empty"}, "config.toml'"},
      {{"run", "--tokens", "0"}, "number of tokens is 0"},
      {{"run", "--temperature", "-1"}, "temperature is -1"},
      {{"run", "--top-k", "-5"}, "top-k is -5"},
      {{"run", "--top-p", "0"}, "top-p is 0; expected more than 0 and at most 1"},
      {{"run", "--min-p", "2"}, "min-p is 2; expected 0 (all) to 1"},
      {{"run", "--repetition-penalty", "-1"}, "repetition penalty is -1"},
      {{"run", "--stop", ""}, "a stop string is empty"},
      {{"run", "--threads", "99999"}, "threads is 99999"},
      {{"run", "--seed", "x"}, "--seed"},
      {{"run", "--nonsense"}, "--nonsense"},
  };
  for (const auto& bad : cases) check_refusal(folder, "generate", bad.arguments, bad.sentence);
  fs::remove_all(folder.path / "run/checkpoints");
  check_refusal(folder, "generate", {"run"}, "there is no checkpoint in 'run/checkpoints'");
}

TEST_SUITE_END();
