// SPDX-License-Identifier: MIT
#include <optiform/io/token_shards.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  std::vector<std::int32_t> words(256);
  words[0] = magic;
  words[1] = version;
  words[2] = count;
  return bytes_of(words);
}

std::vector<std::int32_t> all(const TokenShards& shards) {
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(shards.size()));
  shards.copy(0, shards.size(), tokens.data());
  return tokens;
}

const std::vector<std::uint16_t> narrow = {1, 2, 65535, 4, 5};
const std::vector<std::uint32_t> wide = {7, 70000, 9};

}  // namespace

TEST_CASE("TokenShards: each layout, byte for byte as others write it") {
  const TemporaryDirectory directory;
  write_bytes(directory / "a.bin", header(20240520, 1, 5) + bytes_of(narrow));
  write_bytes(directory / "b.bin", header(20240801, 7, 3) + bytes_of(wide));
  write_bytes(directory / "c.bin", bytes_of(narrow));
  write_bytes(directory / "d.u16", bytes_of(narrow));
  write_bytes(directory / "e.u32", bytes_of(wide));
  const std::vector<std::int32_t> n(narrow.begin(), narrow.end()), w(wide.begin(), wide.end());
  CHECK(all(TokenShards({directory / "a.bin"})) == n);
  CHECK(all(TokenShards({directory / "b.bin"})) == w);
  CHECK(all(TokenShards({directory / "c.bin"})) == n);
  CHECK(all(TokenShards({directory / "d.u16"})) == n);
  CHECK(all(TokenShards({directory / "e.u32"})) == w);
}

TEST_CASE("TokenShards: several are one text, and windows go over their borders") {
  const TemporaryDirectory directory;
  std::vector<std::int32_t> text;
  std::vector<std::filesystem::path> files;
  for (int shard = 0; shard < 5; ++shard) {
    std::vector<std::uint16_t> tokens;
    for (int i = 0; i <= 3 * shard; ++i) {
      tokens.push_back(static_cast<std::uint16_t>(text.size()));
      text.push_back(tokens.back());
    }
    files.push_back(directory / message("s", shard, ".u16"));
    write_bytes(files.back(), bytes_of(tokens));
  }
  const TokenShards shards(files);
  CHECK(shards.shards() == 5);
  REQUIRE(shards.size() == static_cast<Index>(text.size()));
  for (Index first = 0; first <= shards.size(); ++first)
    for (Index count = first < shards.size() ? 0 : 1; first + count <= shards.size(); ++count) {
      std::vector<std::int32_t> window(static_cast<std::size_t>(count));
      shards.copy(first, count, window.data());
      CHECK(std::equal(window.begin(), window.end(), text.begin() + first));
    }
}

TEST_CASE("TokenShardWriter: what it writes is read again, in shards of the asked size") {
  std::vector<std::int32_t> text;
  Rng rng(1);
  for (int i = 0; i < 1001; ++i) text.push_back(static_cast<std::int32_t>(rng.below(65536)));
  for (const char* name : {"llm.c", "llm.c-32", "uint16", "uint32"}) {
    CAPTURE(name);
    const TemporaryDirectory directory;
    TokenShardWriter writer(directory / "text", token_format_named(name), 250);
    writer.append(std::span(text).first(123));
    writer.append(std::span(text).subspan(123));
    writer.finish();
    CHECK(writer.shards() == 5);
    const auto files = find_token_shards(directory.path());
    REQUIRE(files.size() == 5);
    CHECK(files.front().stem() == "text_000000");
    CHECK(all(TokenShards(files)) == text);
    CHECK(all(TokenShards({files.back()})) == std::vector<std::int32_t>{text.back()});
  }
  const TemporaryDirectory directory;
  TokenShardWriter writer(directory / "text", TokenFormat::llm_c_16, 2);
  const std::vector<std::int32_t> pair = {1, 2};
  writer.append(pair);
  CHECK(read_bytes(directory / "text_000000.bin") ==
        header(20240520, 1, 2) + bytes_of(std::vector<std::uint16_t>{1, 2}));
}

TEST_CASE("find_token_shards: a file, a directory and a pattern, by name") {
  const TemporaryDirectory directory;
  for (const char* name : {"val_0.bin", "train_2.bin", "train_1.bin", "notes.txt", "x.u16"})
    write_bytes(directory / name, "ab");
  const auto names = [](const std::filesystem::path& path) {
    std::string out;
    for (const auto& file : find_token_shards(path)) out += file.filename().string() + " ";
    return out;
  };
  CHECK(names(directory / "val_0.bin") == "val_0.bin ");
  CHECK(names(directory / "train_*.bin") == "train_1.bin train_2.bin ");
  CHECK(names(directory.path()) == "train_1.bin train_2.bin val_0.bin x.u16 ");
  CHECK_REFUSED("there are no token shards", find_token_shards(directory / "test_*.bin"));
  CHECK_REFUSED("there are no token shards", find_token_shards(directory / "missing.bin"));
  std::filesystem::create_directory(directory / "empty");
  CHECK_REFUSED("is a directory without token shards", find_token_shards(directory / "empty"));
}

TEST_CASE("TokenShards: what is damaged is one clear sentence") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::string& name, const std::string& bytes, const char* part) {
    write_bytes(directory / name, bytes);
    CHECK_REFUSED(part, TokenShards({directory / name}));
  };
  const std::string good = header(20240520, 1, 5) + bytes_of(narrow);
  refused("x.bin", "", "is empty");
  refused("x.bin", good.substr(0, 4), "is cut off: it has 4 bytes and its header alone 1024");
  refused("x.bin", good.substr(0, 1023), "is cut off");
  refused("x.bin", good.substr(0, 1033),
          "says that it holds 5 tokens of 2 bytes, but has 9 bytes of tokens");
  refused("x.bin", good + "ab", "but has 12 bytes of tokens");
  refused("x.bin", header(20240520, 1, 0), "holds no tokens");
  refused("x.bin", header(20240520, 1, -1), "says that it holds -1 tokens");
  refused("x.bin", header(20240520, 1, 2147483647) + "abcd", "says that it holds 2147483647");
  refused("x.bin", header(20240520, 3, 1) + "ab", "is of version 3; expected 1");
  refused("x.bin", header(20240801, 1, 1) + "abcd", "is of version 1; expected 7");
  refused("x.bin", header(20240522, 1, 1) + "ab",
          "begins with 20240522; expected 20240520 or 20240801");
  refused("x.bin", "abc", "has 3 bytes; expected a multiple of 2");
  refused("x.u16", "a", "has 1 bytes; expected a multiple of 2");
  refused("x.u32", "abcdef", "has 6 bytes; expected a multiple of 4");
  CHECK_REFUSED("cannot open", TokenShards({directory / "missing.bin"}));
  CHECK_REFUSED("not a regular file", TokenShards({directory.path()}));
  CHECK_REFUSED("there are no token shards", TokenShards({}));
}

TEST_CASE("TokenShards: a token outside the vocabulary is named with its place") {
  const TemporaryDirectory directory;
  write_bytes(directory / "a.u16", bytes_of(narrow));
  write_bytes(directory / "b.u32", bytes_of(std::vector<std::uint32_t>{1, 2, 4294967295u}));
  std::vector<std::int32_t> out(8);
  const TokenShards some({directory / "a.u16"}, 65535);
  some.copy(0, 2, out.data());
  CHECK_REFUSED("token 2 of", some.copy(1, 3, out.data()));
  CHECK_REFUSED("a.u16' is 65535; expected 0 to 65534", some.copy(1, 3, out.data()));
  const TokenShards both({directory / "a.u16", directory / "b.u32"});
  CHECK_REFUSED("token 2 of", both.copy(0, 8, out.data()));
  CHECK_REFUSED("b.u32' is 4294967295", both.copy(7, 1, out.data()));
}

TEST_CASE("TokenShardWriter: what has no place is refused") {
  const TemporaryDirectory directory;
  const std::vector<std::int32_t> large = {65536}, negative = {-1};
  TokenShardWriter writer(directory / "x", TokenFormat::raw_16, 10);
  CHECK_REFUSED("token 65536 has no place in a shard of format uint16", writer.append(large));
  CHECK_REFUSED("token -1 has no place", writer.append(negative));
  CHECK_REFUSED("tokens of a shard are 0",
                TokenShardWriter(directory / "x", TokenFormat::raw_16, 0));
  CHECK_REFUSED("token format 'int8' is unknown", token_format_named("int8"));
  TokenShardWriter nowhere(directory / "missing/x", TokenFormat::raw_32, 1);
  CHECK_REFUSED("cannot write", nowhere.append(large));
}
