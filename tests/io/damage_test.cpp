// SPDX-License-Identifier: MIT
// Random damage: a file of others loads as valid data or is refused, ours is always refused.
#include "checkpoint_support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// Opens the file and reads every tensor that can be read. Returns the refusal, if any.
std::string use(const std::filesystem::path& path) {
  return refusal([&] {
    const SafetensorsFile file(path);
    for (const TensorDescription& tensor : file.tensors()) {
      std::vector<double> reals(*detail::byte_count(DType::u8, tensor.shape));
      std::vector<std::uint8_t> bytes(reals.size());
      if (is_floating(tensor.dtype))
        file.read(tensor.name, tensor.shape, reals.data());
      else if (tensor.dtype == DType::u8)
        file.read(tensor.name, tensor.shape, bytes.data());
    }
    file.checksums();
  });
}

}  // namespace

TEST_CASE("damage: a safetensors file with a changed byte is valid or refused") {
  TemporaryDirectory directory;
  const std::string good = read_bytes(fixtures / "python.safetensors");
  const auto path = directory / "x";
  write_bytes(path, good);
  REQUIRE(use(path) == "");
  const std::uint64_t header = SafetensorsFile(path).checksums().header_bytes;
  Rng rng(1);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    // Mostly the header: behind it, every change is data.
    const auto at = static_cast<std::size_t>(rng.below(i % 8 == 0 ? good.size() : header));
    // Half of the changes stay within JSON's own alphabet: they get further.
    const char value = i % 2 == 0 ? static_cast<char>(rng.below(256))
                                  : R"({}[]",:0123456789-.eE \u)"[rng.below(23)];
    write_byte(path, at, value);
    const std::string sentence = use(path);
    INFO("byte ", at, ": ", sentence);
    REQUIRE((sentence.empty() || is_one_sentence(sentence)));
    refused += sentence.empty() ? 0 : 1;
    write_byte(path, at, good[at]);
  }
  CHECK(refused > 1000);
}

TEST_CASE("damage: a safetensors file cut or prolonged anywhere is refused") {
  TemporaryDirectory directory;
  const std::string good = read_bytes(fixtures / "python.safetensors");
  const auto path = directory / "x";
  write_bytes(path, good);
  for (std::size_t size = good.size(); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    const std::string sentence = use(path);
    INFO(size, " bytes: ", sentence);
    REQUIRE(is_one_sentence(sentence));
  }
  write_bytes(path, good + '\0');
  CHECK(is_one_sentence(use(path)));
}

TEST_CASE("damage: a checkpoint with any changed byte is refused") {
  TemporaryDirectory directory;
  const SmallRun run(9, 3000);
  save_checkpoint(directory.path(), run.checkpoint);
  const auto names = names_in(directory.path());
  Rng rng(2);
  for (int i = 0; i < 1000; ++i) {
    const auto path = directory / names[rng.below(names.size())];
    const std::string good = read_bytes(path);
    const auto at = static_cast<std::size_t>(rng.below(good.size()));
    write_byte(path, at, static_cast<char>(good[at] ^ static_cast<char>(1 + rng.below(255))));
    const auto sentence = refusal([&] { CheckpointReader::open_latest(directory.path()); });
    INFO(path.string(), " byte ", at, ": ", sentence);
    REQUIRE(is_one_sentence(sentence));
    write_byte(path, at, good[at]);
  }
  CHECK(run.equals(CheckpointReader::open_latest(directory.path()).value()));
}

TEST_CASE("damage: a checkpoint with any file cut anywhere is refused") {
  TemporaryDirectory directory;
  const SmallRun run(9);
  save_checkpoint(directory.path(), run.checkpoint);
  for (const auto& name : names_in(directory.path())) {
    const auto path = directory / name;
    const std::string good = read_bytes(path);
    for (std::size_t size = good.size(); size-- > 0;) {
      std::filesystem::resize_file(path, size);
      const auto sentence = refusal([&] { CheckpointReader::open_latest(directory.path()); });
      INFO(name, " of ", size, " bytes: ", sentence);
      REQUIRE(is_one_sentence(sentence));
    }
    write_bytes(path, good);
  }
  CHECK(run.equals(CheckpointReader::open_latest(directory.path()).value()));
}
