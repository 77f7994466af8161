// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

using Crc64Tables = std::array<std::array<std::uint64_t, 256>, 16>;

/// tables[k][byte] is the remainder of `byte` followed by k zero bytes.
constexpr Crc64Tables make_crc64_tables() {
  Crc64Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xC96C5795D7870F42ull : 0);
    tables[0][byte] = remainder;
  }
  for (std::size_t k = 1; k < 16; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  return tables;
}

inline constexpr Crc64Tables crc64_tables = make_crc64_tables();

}  // namespace detail

/// A running CRC-64/XZ: the checksum of every file that this library writes for itself.
///
/// Why this one: a cyclic code of 64 bits finds every error that spans at most 64 bits (so any
/// damaged byte, always, not only probably), misses other damage once in 2^64, needs no special
/// instruction set to run faster than a disk, and can be recomputed with stock tools.
///
/// Limits    of nothing: 0; of "123456789": 0x995DC9BBDF1939FA. Pieces give what the whole gives.
/// Source    polynomial of ECMA-182, as used by the xz file format (xz-file-format.txt, 6);
///           sliced tables: Kounavis, Berry, "A systematic approach to building high performance
///           software-based CRC generators", ISCC 2005.
class Crc64 {
 public:
  void update(const void* data, std::size_t bytes) {
    static_assert(std::endian::native == std::endian::little,
                  "optiform: Crc64 - reads words; swap them on a big-endian machine");
    const auto& t = detail::crc64_tables;
    const auto* p = static_cast<const unsigned char*>(data);
    std::uint64_t r = remainder_;
    for (; bytes >= 16; p += 16, bytes -= 16) {
      std::uint64_t a, b;
      std::memcpy(&a, p, 8);
      std::memcpy(&b, p + 8, 8);
      a ^= r;
      // The half that does not wait for r first: it hides behind the previous round.
      r = t[7][b & 0xFF] ^ t[6][b >> 8 & 0xFF] ^ t[5][b >> 16 & 0xFF] ^ t[4][b >> 24 & 0xFF] ^
          t[3][b >> 32 & 0xFF] ^ t[2][b >> 40 & 0xFF] ^ t[1][b >> 48 & 0xFF] ^ t[0][b >> 56];
      r ^= t[15][a & 0xFF] ^ t[14][a >> 8 & 0xFF] ^ t[13][a >> 16 & 0xFF] ^ t[12][a >> 24 & 0xFF] ^
           t[11][a >> 32 & 0xFF] ^ t[10][a >> 40 & 0xFF] ^ t[9][a >> 48 & 0xFF] ^ t[8][a >> 56];
    }
    for (; bytes > 0; ++p, --bytes) r = (r >> 8) ^ t[0][(r ^ *p) & 0xFF];
    remainder_ = r;
  }

  std::uint64_t value() const { return ~remainder_; }

 private:
  std::uint64_t remainder_ = ~std::uint64_t{0};
};

/// CRC-64/XZ of one piece of memory.
inline std::uint64_t crc64(const void* data, std::size_t bytes) {
  Crc64 crc;
  crc.update(data, bytes);
  return crc.value();
}

/// Sixteen digits.
inline std::string hexadecimal(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

/// The same as text.
inline std::string checksum(const void* data, std::size_t bytes) {
  return hexadecimal(crc64(data, bytes));
}
inline std::string checksum(std::string_view text) { return checksum(text.data(), text.size()); }

OPTIFORM_NAMESPACE_END
