// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <optiform/io/half.hpp>

using namespace optiform;

TEST_CASE("Half: every bit pattern means what IEEE 754 says") {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31),
              fraction = static_cast<int>(bits & 1023);
    const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
    const float value = to_float(Half{static_cast<std::uint16_t>(bits)});
    if (exponent == 31 && fraction != 0) {
      REQUIRE(std::isnan(value));
      continue;
    }
    const double expected = exponent == 31  ? sign * INFINITY
                            : exponent == 0 ? sign * std::ldexp(fraction, -24)
                                            : sign * std::ldexp(1024 + fraction, exponent - 25);
    REQUIRE(static_cast<double>(value) == expected);
    REQUIRE(std::signbit(value) == (sign < 0));
  }
}

TEST_CASE("BFloat16: is the upper half of a float") {
  CHECK(to_float(BFloat16{0x3F80}) == 1.0f);
  CHECK(to_float(BFloat16{0xC040}) == -3.0f);
  CHECK(to_float(BFloat16{0x7F80}) == INFINITY);
  CHECK(std::isnan(to_float(BFloat16{0x7FC0})));
  CHECK(to_float(BFloat16{0x0001}) == std::ldexp(1.0f, -133));
}
