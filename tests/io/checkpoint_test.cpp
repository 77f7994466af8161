// SPDX-License-Identifier: MIT
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmath>
#include <csignal>

#include "checkpoint_support.hpp"

using namespace optiform;
using namespace optiform::testing;

TEST_CASE("checkpoint: none in a missing or an empty directory") {
  TemporaryDirectory directory;
  CHECK_FALSE(CheckpointReader::open_latest(directory / "missing"));
  CHECK_FALSE(CheckpointReader::open_latest(directory.path()));
  CHECK(checkpoint_steps(directory / "missing").empty());
  write_bytes(directory / "not-a-directory", "");
  CHECK_REFUSED("not-a-directory", CheckpointReader::open_latest(directory / "not-a-directory"));
}

TEST_CASE("checkpoint: what is saved is loaded, and only the newest is kept") {
  TemporaryDirectory directory;
  const auto run = directory / "a/run";  // made on the way
  for (const std::int64_t step : {0, 1, 2}) {
    const SmallRun small(step);
    save_checkpoint(run, small.checkpoint);
    CHECK(small.equals(CheckpointReader::open_latest(run).value()));
    CHECK(names_in(run).size() == 3);
  }
  CHECK(names_in(run) == std::vector<std::string>{"step-00000002-save-0003.json",
                                                  "step-00000002-save-0003.optimizer.safetensors",
                                                  "step-00000002-save-0003.weights.safetensors"});
}

TEST_CASE("checkpoint: as many as wanted are kept and each can be opened") {
  TemporaryDirectory directory;
  for (const std::int64_t step : {10, 20, 30, 40})
    save_checkpoint(directory.path(), SmallRun(step).checkpoint, 3);
  CHECK(checkpoint_steps(directory.path()) == std::vector<std::int64_t>{20, 30, 40});
  CHECK(SmallRun(20).equals(CheckpointReader::open(directory.path(), 20)));
  CHECK_REFUSED("no checkpoint of step 10", CheckpointReader::open(directory.path(), 10));
}

TEST_CASE("checkpoint: the last save counts, even of an earlier or the same step") {
  TemporaryDirectory directory;
  save_checkpoint(directory.path(), SmallRun(50).checkpoint, 2);
  save_checkpoint(directory.path(), SmallRun(7).checkpoint, 2);
  CHECK(SmallRun(7).equals(CheckpointReader::open_latest(directory.path()).value()));
  SmallRun again(8);
  again.checkpoint.step = 7;
  save_checkpoint(directory.path(), again.checkpoint, 2);
  CHECK(again.equals(CheckpointReader::open_latest(directory.path()).value()));
  CHECK(checkpoint_steps(directory.path()) == std::vector<std::int64_t>{7, 7});
}

TEST_CASE("checkpoint: numbers of the state come back bit for bit") {
  TemporaryDirectory directory;
  SmallRun small(1);
  const std::uint64_t seed = ~std::uint64_t{0};
  small.checkpoint.state = {{"third", 1.0 / 3}, {"tiny", 5e-324},      {"seed", seed},
                            {"minus", -3},      {"whole", 2.0},        {"none", nullptr},
                            {"list", {1, 2.5}}, {"big", 1.797693e+308}};
  save_checkpoint(directory.path(), small.checkpoint);
  const auto reader = CheckpointReader::open_latest(directory.path()).value();
  CHECK(reader.state() == small.checkpoint.state);
  CHECK(reader.state().at("third").get<double>() == 1.0 / 3);
  CHECK(reader.state().at("seed").get<std::uint64_t>() == seed);
}

TEST_CASE("checkpoint: what cannot be saved leaves the older one alone") {
  TemporaryDirectory directory;
  const SmallRun good(1);
  save_checkpoint(directory.path(), good.checkpoint);
  const auto refused = [&](const std::string& part, auto&& spoil) {
    SmallRun bad(2);
    spoil(bad.checkpoint);
    CAPTURE(part);
    CHECK_REFUSED(part, save_checkpoint(directory.path(), bad.checkpoint));
    CHECK(good.equals(CheckpointReader::open_latest(directory.path()).value()));
    CHECK(names_in(directory.path()).size() == 3);
  };
  refused("NaN", [](Checkpoint& c) { c.state["loss"] = std::nan(""); });
  refused("infinity", [](Checkpoint& c) { c.state["loss"] = {1, INFINITY}; });
  refused("UTF-8", [](Checkpoint& c) { c.state["text"] = "\xff"; });
  refused("used twice", [](Checkpoint& c) { c.weights.push_back(c.weights[0]); });
  refused("has no data", [](Checkpoint& c) { c.streams[0].data = nullptr; });
  refused("step -1", [](Checkpoint& c) { c.step = -1; });
  CHECK_REFUSED("keep 0", save_checkpoint(directory.path(), good.checkpoint, 0));
  write_bytes(directory / "file", "");
  CHECK_REFUSED("cannot make the directory", save_checkpoint(directory / "file", good.checkpoint));
}

TEST_CASE("checkpoint: leftovers of killed saves are ignored, then removed") {
  TemporaryDirectory directory;
  const SmallRun good(1);
  save_checkpoint(directory.path(), good.checkpoint);
  // Every state that a kill can leave: data without manifest, and temporaries.
  for (const std::string name :
       {"step-00000002-save-0002.weights.safetensors", "step-00000002-save-0002.json.tmp",
        "step-00000002-save-0002.optimizer.safetensors.tmp",
        "step-00000000-save-0000.optimizer.safetensors", "step-00000001-save-0001.json.tmp"})
    write_bytes(directory / name, "rubbish");
  // Names that only look alike belong to somebody else.
  const std::vector<std::string> others{"step-00000002-save-0002.json.bak", "step-2-save-2.json",
                                        "step-00000002.json", "loss.csv"};
  for (const auto& name : others) write_bytes(directory / name, "mine");
  CHECK(good.equals(CheckpointReader::open_latest(directory.path()).value()));
  const SmallRun next(3);
  save_checkpoint(directory.path(), next.checkpoint);
  CHECK(next.equals(CheckpointReader::open_latest(directory.path()).value()));
  CHECK(names_in(directory.path()).size() == 3 + others.size());
  for (const auto& name : others) CHECK(read_bytes(directory / name) == "mine");
}

TEST_CASE("checkpoint: a missing, exchanged or renamed file is refused") {
  TemporaryDirectory directory;
  save_checkpoint(directory / "a", SmallRun(1).checkpoint);
  save_checkpoint(directory / "b", SmallRun(2).checkpoint);
  const std::string a = "step-00000001-save-0001", b = "step-00000002-save-0001";
  const auto load = [&] { CheckpointReader::open_latest(directory / "a"); };
  const auto weights = directory / "a" / (a + ".weights.safetensors");
  const std::string bytes = read_bytes(weights);

  std::filesystem::remove(weights);
  CHECK_REFUSED(a + ".weights.safetensors': No such file", load());
  write_bytes(weights, read_bytes(directory / "b" / (b + ".weights.safetensors")));
  CHECK_REFUSED("is not the one that was saved", load());
  write_bytes(weights, bytes + " ");
  CHECK_REFUSED(a + ".weights.safetensors", load());
  write_bytes(weights, bytes);
  load();

  const auto manifest = directory / "a" / (a + ".json");
  const std::string text = read_bytes(manifest);
  write_bytes(manifest, text.substr(0, text.size() - 1));
  CHECK_REFUSED("manifest is damaged", load());
  write_bytes(manifest, "");
  CHECK_REFUSED("0 bytes long", load());
  write_bytes(manifest, text);
  for (const std::string suffix : {".json", ".weights.safetensors", ".optimizer.safetensors"})
    std::filesystem::copy(directory / "a" / (a + suffix),
                          directory / "a" / ("step-00000001-save-0009" + suffix));
  CHECK_REFUSED("renamed", load());
}

TEST_CASE("checkpoint: a damaged newest one is refused, the older opens by its step") {
  TemporaryDirectory directory;
  save_checkpoint(directory.path(), SmallRun(1).checkpoint, 2);
  save_checkpoint(directory.path(), SmallRun(2).checkpoint, 2);
  const auto path = directory / "step-00000002-save-0002.weights.safetensors";
  std::string bytes = read_bytes(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_bytes(path, bytes);
  CHECK_REFUSED("tensor 'mu' is not the one that was saved",
                CheckpointReader::open_latest(directory.path()));
  CHECK(SmallRun(1).equals(CheckpointReader::open(directory.path(), 1)));
}

TEST_CASE("checkpoint: a reader keeps its files while newer saves replace them") {
  TemporaryDirectory directory;
  const SmallRun first(1);
  save_checkpoint(directory.path(), first.checkpoint);
  const auto reader = CheckpointReader::open_latest(directory.path()).value();
  save_checkpoint(directory.path(), SmallRun(2).checkpoint);
  CHECK(first.equals(reader));
}

TEST_CASE("checkpoint: two processes do not save into one directory at a time") {
  TemporaryDirectory directory;
  const detail::DirectoryLock other(directory.path());
  CHECK_REFUSED("another process is saving",
                save_checkpoint(directory.path(), SmallRun(1).checkpoint));
}

TEST_CASE("checkpoint: every change of one byte of any file is refused") {
  TemporaryDirectory directory;
  save_checkpoint(directory.path(), SmallRun(3).checkpoint);
  Rng rng(5);
  for (const auto& name : names_in(directory.path())) {
    const std::string bytes = read_bytes(directory / name);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const auto flip = static_cast<char>(1 + rng.below(255));
      write_byte(directory / name, at, static_cast<char>(bytes[at] ^ flip));
      const auto sentence = refusal([&] { CheckpointReader::open_latest(directory.path()); });
      INFO(name, " byte ", at, ": ", sentence);
      REQUIRE(is_one_sentence(sentence));
      write_byte(directory / name, at, bytes[at]);
    }
  }
  CHECK(SmallRun(3).equals(CheckpointReader::open_latest(directory.path()).value()));
}

TEST_CASE("checkpoint: a full disk at any point leaves the older one" *
          doctest::test_suite("system")) {
  TemporaryDirectory directory;
  const SmallRun good(1);
  save_checkpoint(directory.path(), good.checkpoint);
  // The limit on file sizes plays the disk: it stops each of the three files in turn.
  for (const rlim_t limit : {10u, 200u, 300u, 500u, 700u, 100'000u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit size{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &size);
      SmallRun next(2);
      std::vector<double> many(100, 1.0);
      next.checkpoint.streams.push_back({{"many", DType::f64, {100}}, many.data()});
      next.checkpoint.state["long"] = std::string(2000, 'x');
      const auto sentence = refusal([&] { save_checkpoint(directory.path(), next.checkpoint); });
      const bool expected = limit > 10'000 ? sentence.empty() : is_one_sentence(sentence);
      ::_exit(expected ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CAPTURE(limit);
    CHECK(status == 0);
    CHECK(names_in(directory.path()).size() == 3);
    const auto reader = CheckpointReader::open_latest(directory.path()).value();
    CHECK((limit > 10'000 ? reader.step() == 2 : good.equals(reader)));
  }
}

TEST_CASE("checkpoint: kill -9 at any moment leaves the previous or the new one" *
          doctest::test_suite("system")) {
  TemporaryDirectory directory;
  constexpr Index size = 30'000;
  Rng rng(11);
  std::int64_t last = -1, in_the_middle = 0;
  int round = 0;
  // At least 50 kills; more where the disk is slow and few saves get through.
  for (; round < 50 || (round < 500 && (last < 10 || in_the_middle < 10)); ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (std::int64_t step = last + 1;; ++step) {
        const SmallRun run(step, size);
        save_checkpoint(directory.path(), run.checkpoint, 1 + round % 2);
      }
    }
    ::usleep(static_cast<useconds_t>(500 + rng.below(40'000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto files = names_in(directory.path());
    if (files.size() % 3 != 0) ++in_the_middle;
    const auto reader = CheckpointReader::open_latest(directory.path());
    if (!reader) {  // killed before the first save
      REQUIRE(last == -1);
      continue;
    }
    REQUIRE(reader->step() >= last);
    REQUIRE(SmallRun(reader->step(), size).equals(*reader));
    last = reader->step();
  }
  INFO(round, " kills, ", in_the_middle, " inside of a save, ", last, " saves");
  CHECK(last >= 10);
  CHECK(in_the_middle >= 10);
  save_checkpoint(directory.path(), SmallRun(last + 1, size).checkpoint);
  CHECK(names_in(directory.path()).size() == 3);
}
