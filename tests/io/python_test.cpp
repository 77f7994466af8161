// SPDX-License-Identifier: MIT
// Python reads what we write. Needs a Python with numpy and safetensors: the one of the
// environment variable PYTHON, or python3.
#include <optiform/io/npy.hpp>
#include <optiform/io/token_shards.hpp>

#include "checkpoint_support.hpp"
#include "python.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

bool available() { return python_has("numpy, safetensors.numpy"); }

std::string ask(const std::string& action, const std::filesystem::path& path) {
  return python_says("interop.py", action, path);
}

}  // namespace

TEST_CASE("python: reads our safetensors" * doctest::test_suite("python")) {
  if (!available()) return;
  TemporaryDirectory directory;
  const auto w = ramp(15);
  std::vector<double> wide(w.begin(), w.begin() + 8);
  const float mu = 0.5f;
  const std::int32_t ids[] = {1, -2, 3};
  const std::uint8_t byte = 255;
  write_safetensors(directory / "x",
                    {{{"w", DType::f32, {3, 5}}, w.data()},
                     {{"layers.0.mu", DType::f32, {}}, &mu},
                     {{"ids", DType::i32, {1, 3}}, ids},
                     {{"none", DType::f32, {2, 0}}, nullptr},
                     {{"double", DType::f64, {2, 2, 2}}, wide.data()},
                     {{"ü", DType::u8, {1}}, &byte}},
                    {{"note", "quote \" and \n line"}});
  CHECK(ask("check-safetensors", directory / "x") == "ok\n");
}

TEST_CASE("python: reads our .npy" * doctest::test_suite("python")) {
  if (!available()) return;
  TemporaryDirectory directory;
  const auto w = ramp(15);
  save_npy(directory / "x.npy", TensorRef<const float, 2>{w.data(), {3, 5}});
  CHECK(ask("check-npy", directory / "x.npy") == "ok\n");
}

TEST_CASE("python: reads our checkpoints and agrees with every checksum" *
          doctest::test_suite("python")) {
  if (!available()) return;
  TemporaryDirectory directory;
  const auto w = ramp(15);
  Checkpoint checkpoint;
  checkpoint.step = 12;
  checkpoint.state = {{"clock", 12}, {"rate", 0.001}};
  checkpoint.weights = {{{"w", DType::f32, {3, 5}}, w.data()}};
  checkpoint.streams = {{{"m", DType::f32, {15}}, w.data()}, {{"n", DType::f32, {0}}, nullptr}};
  save_checkpoint(directory.path(), checkpoint);
  CHECK(ask("check-checkpoint", directory.path()) == "ok\n");
}

TEST_CASE("python: what it writes anew is what the fixture holds" * doctest::test_suite("python")) {
  if (!available()) return;
  TemporaryDirectory directory;
  const auto path = directory / "x";
  REQUIRE(
      run_python("-c 'import numpy as np, safetensors.numpy as s; "
                 "s.save_file({\"w\": (np.arange(15) * 0.5 - 1).astype(\"f4\").reshape(3, 5), "
                 "\"h\": np.array([0.5], \"f2\")}, \"" +
                 path.string() + "\")'"));
  std::vector<float> w(15);
  float h = 0;
  const SafetensorsFile file(path);
  file.read("w", {3, 5}, w.data());
  file.read("h", {1}, &h);
  CHECK(w == ramp(15));
  CHECK(h == 0.5f);
}

TEST_CASE("python: reads our token shards, and we read its own" * doctest::test_suite("python")) {
  if (!available()) return;
  std::vector<std::int32_t> tokens(1000);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>(i * 7919 % 50257);
  TemporaryDirectory ours, theirs;
  for (const char* format : {"llm.c", "llm.c-32", "uint16", "uint32"}) {
    TokenShardWriter writer(ours / format, token_format_named(format), 1000);
    writer.append(tokens);
  }
  CHECK(ask("check-shards", ours.path()) == "ok\n");
  REQUIRE(ask("write-shards", theirs.path()) == "ok\n");
  const auto files = find_token_shards(theirs.path());
  REQUIRE(files.size() == 4);
  for (const auto& file : files) {
    CAPTURE(file.string());
    const TokenShards shards({file}, 50257);
    std::vector<std::int32_t> found(1000);
    REQUIRE(shards.size() == 1000);
    shards.copy(0, 1000, found.data());
    CHECK(found == tokens);
  }
}
