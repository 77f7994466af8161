// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The 16-bit floating-point formats of files, as bits; exact conversions to float.
struct Half {
  std::uint16_t bits;
};

struct BFloat16 {
  std::uint16_t bits;
};

/// IEEE 754 binary16 -> binary32: 5 bits of exponent, 10 of fraction; subnormals included.
constexpr float to_float(Half x) {
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000u) << 16;
  const std::uint32_t exponent = x.bits >> 10 & 0x1Fu, fraction = x.bits & 0x3FFu;
  if (exponent == 31)  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7F800000u | fraction << 13);
  if (exponent == 0) {  // fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8f;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

/// bfloat16 is the upper half of a binary32.
constexpr float to_float(BFloat16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16);
}

OPTIFORM_NAMESPACE_END
