// SPDX-License-Identifier: MIT
#include "program.hpp"

using namespace programs;

namespace {

const std::string gpt2 = OPTIFORM_SOURCE_DIR "/tests/io/fixtures/gpt2";

bool all_built() {
  if (!built()) return false;
  const bool tokenize = fs::exists(path("tokenize"));
  if (!tokenize) MESSAGE("skipped: tokenize was not built");
  return tokenize;
}

/// `small` on other data, with a short run.
Arguments on(const std::string& data, const std::string& run, const Arguments& more) {
  return small + Arguments{"--data", data, "--out", run, "--steps", "12"} + more;
}

}  // namespace

TEST_SUITE_BEGIN("system");

TEST_CASE("pretrain: token shards train to the same bits as their text") {
  if (!all_built()) return;
  const Folder folder("shards");
  write(folder.path / "other.txt", Folder::text().substr(0, 3000));
  const Arguments bytes = {"--tokenizer", "bytes"};
  REQUIRE(run(folder.path, "tokenize",
              bytes + Arguments{"--out", "text", "--shard-tokens", "9000", "text.txt"})
              .code == 0);
  CHECK(fs::exists(folder.path / "text_000004.bin"));
  REQUIRE(run(folder.path, "tokenize",
              bytes + Arguments{"--out", "other", "--format", "uint16", "other.txt"})
              .code == 0);
  const auto text =
      run(folder.path, "pretrain", on("text.txt", "a", {"--validation", "other.txt"}));
  REQUIRE(text.code == 0);
  const auto shards =
      run(folder.path, "pretrain",
          on("text_*.bin", "b", bytes + Arguments{"--validation", "other_000000.u16"}));
  INFO(shards.err);
  REQUIRE(shards.code == 0);
  CHECK(folder.final_state("a") == folder.final_state("b"));

  CHECK(run(folder.path, "pretrain", on("text_*.bin", "c", bytes)).code == 0);
  fs::remove(folder.path / "text_000004.bin");
  check_refusal(folder, "pretrain",
                on("text_*.bin", "c", bytes + Arguments{"--resume", "--steps", "12"}),
                "checksum of the training text was");
}

TEST_CASE("tokenize, pretrain, generate: GPT-2's tokenizer from its files to a continued text") {
  if (!all_built()) return;
  const Folder folder("gpt2");
  REQUIRE(run(folder.path, "tokenize", {"--tokenizer", gpt2, "--out", "text", "text.txt"}).code ==
          0);
  const auto trained = run(folder.path, "pretrain",
                           on("text_000000.bin", "run", {"--tokenizer", gpt2 + ".tiktoken"}));
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const auto text = run(folder.path, "generate", {"run", "--prompt", "the sea", "--tokens", "5"});
  INFO(text.err);
  CHECK(text.code == 0);
  CHECK(text.out.starts_with("the sea"));
}

TEST_CASE("pretrain, tokenize: damaged shards and vocabularies are one sentence and exit code 2") {
  if (!all_built()) return;
  const Folder folder("bad_shards");
  write(folder.path / "odd.u16", "abc");
  write(folder.path / "large.u16", std::string(100, '\xff'));
  write(folder.path / "short.u16", std::string(20, '\0'));
  write(folder.path / "cut.bin", std::string("\x88\xd8\x34\x01\x01\0\0\0", 8));
  write(folder.path / "bad.tiktoken", "hello");
  write(folder.path / "vocab.json", "{}");
  fs::create_directories(folder.path / "directory");
  const struct {
    Arguments arguments;
    std::string sentence;
  } cases[] = {
      {{"--data", "odd.u16"}, "token shard 'odd.u16' has 3 bytes; expected a multiple of 2"},
      {{"--data", "large.u16"}, "of 'large.u16' is 65535; expected 0 to 255"},
      {{"--data", "short.u16"}, "needs a training text of at least 17 tokens; it has 10"},
      {{"--data", "cut.bin"}, "token shard 'cut.bin' is cut off"},
      {{"--data", "no_*.bin"}, "there are no token shards 'no_*.bin'"},
      {{"--data", "short.u16", "--tokenizer", "bpe:300"}, "cannot learn 'bpe:300' from the token"},
      {{"--validation", "odd.u16"}, "token shard 'odd.u16' has 3 bytes"},
      {{"--tokenizer", "bad.tiktoken"}, "'bad.tiktoken' is no byte-pair vocabulary"},
      {{"--tokenizer", "vocab.json"}, "cannot open 'merges.txt'"},
      {{"--tokenizer", "directory"}, "'directory' holds 0 byte-pair vocabularies"},
  };
  for (const auto& bad : cases)
    check_refusal(folder, "pretrain", small + Arguments{"--out", "run"} + bad.arguments,
                  bad.sentence);

  const Arguments bytes = {"--tokenizer", "bytes", "--out", "new", "text.txt"};
  write(folder.path / "old_000000.bin", "kept");
  const struct {
    Arguments arguments;
    std::string sentence;
  } refused[] = {
      {{}, "texts is required"},
      {bytes + Arguments{"missing.txt"}, "text file 'missing.txt' does not exist"},
      {bytes + Arguments{"--format", "int8"}, "token format 'int8' is unknown"},
      {bytes + Arguments{"--shard-tokens", "0"}, "tokens of a shard are 0"},
      {bytes + Arguments{"--threads", "-1"}, "threads is -1"},
      {bytes + Arguments{"--mark", "sea"}, "no end-of-text token"},
      {{"--tokenizer", "bytes", "--out", "old", "text.txt"}, "'old_000000.bin' exists already"},
      {{"--tokenizer", "bytes", "--out", "no/x", "text.txt"}, "cannot write 'no/x_000000.bin'"},
      {{"--tokenizer", "none", "--out", "x", "text.txt"}, "cannot open 'none'"},
  };
  for (const auto& bad : refused) check_refusal(folder, "tokenize", bad.arguments, bad.sentence);
}
