// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Four 32-bit random words as a pure function of (seed, stream, position).
///
/// Limits    the same three numbers give the same words on every machine and thread.
/// Source    Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
///           1, 2, 3", SC 2011.
struct Philox {
  std::uint32_t word[4];

  OPTIFORM_HD constexpr Philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t position)
      : word{static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32),
             static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)} {
    auto key0 = static_cast<std::uint32_t>(seed);
    auto key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t product0 = 0xD2511F53ull * word[0];
      const std::uint64_t product1 = 0xCD9E8D57ull * word[2];
      const std::uint32_t next0 = static_cast<std::uint32_t>(product1 >> 32) ^ word[1] ^ key0;
      const std::uint32_t next2 = static_cast<std::uint32_t>(product0 >> 32) ^ word[3] ^ key1;
      word[1] = static_cast<std::uint32_t>(product1);
      word[3] = static_cast<std::uint32_t>(product0);
      word[0] = next0;
      word[2] = next2;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
  }
};

/// A sequence of random numbers named by (seed, stream); every draw is reproducible by position.
///
/// Shapes    `uniform` is in [0, 1), `normal` has mean 0 and variance 1, `below(n)` is in 0..n-1.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed, std::uint64_t stream = 0)
      : seed_(seed), stream_(stream) {}

  std::uint32_t bits() {
    if (used_ == 4) {
      const Philox block(seed_, stream_, position_++);
      for (int i = 0; i < 4; ++i) word_[i] = block.word[i];
      used_ = 0;
    }
    return word_[used_++];
  }

  double uniform() {
    const std::uint64_t high = bits() >> 5, low = bits() >> 6;  // 53 random bits
    return static_cast<double>(high * 67108864ull + low) * (1.0 / 9007199254740992.0);
  }

  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// Box-Muller; the second of each pair is kept for the next call.
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = math::sqrt(-2.0 * math::log(1.0 - uniform()));
    const double angle = 6.283185307179586476925 * uniform();
    spare_ = radius * math::sin(angle);
    has_spare_ = true;
    return radius * math::cos(angle);
  }

  /// Unbiased integer in 0..n-1; n must be positive.
  std::uint64_t below(std::uint64_t n) {
    const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % n + 1) % n;
    for (;;) {
      const std::uint64_t high = bits();
      const std::uint64_t value = (high << 32) | bits();
      if (value <= limit) return value % n;
    }
  }

  /// Fisher-Yates: every order of [first, first + n) is equally likely.
  template <class T>
  void shuffle(T* first, Index n) {
    for (Index i = n - 1; i > 0; --i) {
      const auto j = static_cast<Index>(below(static_cast<std::uint64_t>(i) + 1));
      T moved = first[i];
      first[i] = first[j];
      first[j] = moved;
    }
  }

 private:
  std::uint64_t seed_, stream_, position_ = 0;
  std::uint32_t word_[4]{};
  int used_ = 4;
  double spare_ = 0;
  bool has_spare_ = false;
};

OPTIFORM_NAMESPACE_END
