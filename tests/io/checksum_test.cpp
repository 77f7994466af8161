// SPDX-License-Identifier: MIT
#include <vector>

#include <optiform/io/checksum.hpp>

#include "support.hpp"

using namespace optiform;

namespace {

/// Bit by bit, from the definition.
std::uint64_t slow_crc64(const std::vector<unsigned char>& bytes) {
  std::uint64_t r = ~std::uint64_t{0};
  for (const unsigned char byte : bytes) {
    r ^= byte;
    for (int bit = 0; bit < 8; ++bit) r = (r >> 1) ^ ((r & 1) != 0 ? 0xC96C5795D7870F42ull : 0);
  }
  return ~r;
}

std::vector<unsigned char> random_bytes(std::size_t size) {
  Rng rng(7, size);
  std::vector<unsigned char> bytes(size);
  for (auto& byte : bytes) byte = static_cast<unsigned char>(rng.below(256));
  return bytes;
}

}  // namespace

TEST_CASE("Crc64: has the check value of CRC-64/XZ") {
  CHECK(crc64("123456789", 9) == 0x995DC9BBDF1939FAull);
  CHECK(crc64(nullptr, 0) == 0);
}

TEST_CASE("Crc64: equals the bitwise definition at every length and alignment") {
  for (std::size_t size = 0; size < 100; ++size)
    CHECK(crc64(random_bytes(size).data(), size) == slow_crc64(random_bytes(size)));
  const auto bytes = random_bytes(4099);
  for (std::size_t start = 0; start < 17; ++start)
    CHECK(crc64(bytes.data() + start, bytes.size() - start) ==
          slow_crc64({bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end()}));
}

TEST_CASE("Crc64: pieces give what the whole gives") {
  const auto bytes = random_bytes(1000);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 37) {
    Crc64 crc;
    crc.update(bytes.data(), cut);
    crc.update(bytes.data() + cut, bytes.size() - cut);
    CHECK(crc.value() == crc64(bytes.data(), bytes.size()));
  }
}

TEST_CASE("Crc64: every change of one byte changes it") {
  auto bytes = random_bytes(41);
  const std::uint64_t before = crc64(bytes.data(), bytes.size());
  for (auto& byte : bytes)
    for (int flip = 1; flip < 256; ++flip) {
      byte = static_cast<unsigned char>(byte ^ flip);
      REQUIRE(crc64(bytes.data(), bytes.size()) != before);
      byte = static_cast<unsigned char>(byte ^ flip);
    }
}
