// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <optiform/io/tensorboard.hpp>

#include "support.hpp"

using namespace optiform;
using namespace optiform::testing;

namespace {

/// CRC-32C one bit at a time, unlike the writer's.
std::uint32_t slow_crc(std::string_view bytes) {
  std::uint32_t r = 0xFFFFFFFF;
  for (const char c : bytes) {
    r ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) r = r >> 1 ^ (r % 2 == 1 ? 0x82F63B78u : 0u);
  }
  return ~r;
}

std::uint64_t word(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// The payloads of the complete records of an event file; what is cut off at its end is left out.
std::vector<std::string> records(std::string_view file) {
  std::vector<std::string> found;
  const auto check = [&](std::size_t at, std::size_t size) {
    const std::uint32_t sum = slow_crc(file.substr(at, size));
    CHECK(word(file, at + size, 4) == std::uint32_t((sum >> 15 | sum << 17) + 0xA282EAD8u));
  };
  for (std::size_t at = 0; at + 12 <= file.size();) {
    const auto size = static_cast<std::size_t>(word(file, at, 8));
    check(at, 8);
    if (file.size() - at < size + 16) break;
    check(at + 12, size);
    found.emplace_back(file.substr(at + 12, size));
    at += size + 16;
  }
  return found;
}

/// The fields of a message: numbers as text in decimal, fixed ones as their bytes.
std::multimap<int, std::string> fields(std::string_view message) {
  std::multimap<int, std::string> found;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.size()) {
    const auto key = varint();
    const int field = static_cast<int>(key >> 3), type = static_cast<int>(key & 7);
    if (type == 0) {
      found.emplace(field, std::to_string(varint()));
    } else {
      const auto size = type == 1 ? 8 : type == 5 ? 4 : static_cast<std::size_t>(varint());
      found.emplace(field, message.substr(at, size));
      at += size;
    }
  }
  return found;
}

std::string one(std::string_view message, int field) {
  const auto all = fields(message);
  CHECK(all.count(field) == 1);
  return all.find(field)->second;
}

std::vector<std::filesystem::path> files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("TensorBoardWriter: its checksum is CRC-32C") {
  CHECK(detail::crc32c("123456789") == 0xE3069283u);
  CHECK(detail::crc32c("") == 0);
  CHECK(detail::crc32c(std::string(32, '\0')) == 0x8A9136AAu);  // RFC 3720, B.4
}

TEST_CASE("TensorBoardWriter: an independent reader finds every event") {
  TemporaryDirectory directory;
  {
    TensorBoardWriter events(directory / "run/events");
    events.scalar("loss/training", 1.5f, 1);
    events.scalar("loss/training", -0.25f, std::int64_t{1} << 40);
    events.text("configuration", "**bold**", 0);
  }
  const auto paths = files(directory / "run/events");
  REQUIRE(paths.size() == 1);
  const auto found = records(read_bytes(paths[0]));
  REQUIRE(found.size() == 5);
  CHECK(one(found[0], 3) == "brain.Event:2");
  CHECK(one(one(found[1], 7), 1) == "1");  // a session starts
  CHECK(fields(found[1]).count(2) == 0);   // at step 0

  const std::string value = one(one(found[2], 5), 1);
  CHECK(one(value, 1) == "loss/training");
  CHECK(word(one(value, 2), 0, 4) == 0x3FC00000u);
  CHECK(one(found[2], 2) == "1");
  CHECK(one(found[3], 2) == "1099511627776");
  double seconds = 0;
  std::memcpy(&seconds, one(found[2], 1).data(), sizeof seconds);
  CHECK(seconds > 1.7e9);

  const std::string text = one(one(found[4], 5), 1);
  CHECK(one(one(text, 8), 8) == "**bold**");
  CHECK(one(one(text, 8), 1) == "7");
  CHECK(one(one(one(text, 9), 1), 1) == "text");
}

TEST_CASE("TensorBoardWriter: flush makes events visible, and a kill loses only what follows") {
  TemporaryDirectory directory;
  TensorBoardWriter events(directory / "events");
  const auto seen = [&] { return records(read_bytes(events.path())).size(); };
  CHECK(seen() == 2);
  events.scalar("a", 1, 1);
  events.flush();
  CHECK(seen() == 3);
  const std::string whole = read_bytes(events.path());
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(records(std::string_view(whole).substr(0, size)).size() < 3);
  for (int step = 0; step < 2000; ++step) events.scalar("a", 1, step);
  CHECK(seen() > 1000);  // long before the end, without being asked
}

TEST_CASE("TensorBoardWriter: every writer makes a file of its own that sorts last") {
  TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "events");
  write_bytes(directory / "events/events.out.tfevents.4000000000.other", "cut off");
  write_bytes(directory / "events/events.out.tfevents.nonsense.other", "");
  write_bytes(directory / "events/unrelated", "");
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i)
    names.push_back(TensorBoardWriter(directory / "events", 7).path().filename());
  CHECK(names[0] == "events.out.tfevents.4000000001.optiform");
  CHECK(names[1] == "events.out.tfevents.4000000002.optiform");
  CHECK(names[2] == "events.out.tfevents.4000000003.optiform");
  const auto found = records(read_bytes(directory / "events" / names[1]));
  REQUIRE(found.size() == 2);
  CHECK(one(found[1], 2) == "8");  // readers forget the older files' steps from 8 on
}

TEST_CASE("TensorBoardWriter: what cannot be written is refused in one sentence") {
  TemporaryDirectory directory;
  write_bytes(directory / "file", "");
  CHECK_THROWS_WITH_AS(TensorBoardWriter(directory / "file"), doctest::Contains("file"), Error);
  CHECK_THROWS_WITH_AS(TensorBoardWriter(directory / "file" / "below"),
                       doctest::Contains("cannot create '"), Error);
}

TEST_CASE("TensorBoardWriter: TensorBoard's own reader agrees" * doctest::test_suite("python")) {
  const char* given = std::getenv("PYTHON");
  const std::string python = given != nullptr && *given != '\0' ? given : "python3";
  const auto run = [&](const std::string& arguments) {
    return std::system(("'" + python + "' " + arguments).c_str());
  };
  const std::string module = "tensorboard.backend.event_processing.event_accumulator";
  if (run("-c 'import " + module + "' > /dev/null 2>&1") != 0) {
    MESSAGE("skipped: no Python with tensorboard (set PYTHON)");
    return;
  }
  TemporaryDirectory directory;
  {
    TensorBoardWriter events(directory / "events");
    events.text("configuration", "rule tmm", 0);
    for (int step = 1; step <= 10; ++step)
      events.scalar("loss", 1.f / static_cast<float>(step), step);
  }
  {
    TensorBoardWriter resumed(directory / "events", 6);
    for (int step = 7; step <= 8; ++step) resumed.scalar("loss", 100.f, step);
  }
  // Cut off within a record, as by a kill.
  const auto last = files(directory / "events").back();
  std::filesystem::resize_file(last, std::filesystem::file_size(last) - 3);
  CHECK(run("'" OPTIFORM_SOURCE_DIR "/tests/io/fixtures/read_events.py' '" +
            (directory / "events").string() + "' > '" + (directory / "log").string() + "' 2>&1") ==
        0);
  CHECK(read_bytes(directory / "log") ==
        "1:1 2:0.5 3:0.333333 4:0.25 5:0.2 6:0.166667 7:100\nrule tmm\n");
}
