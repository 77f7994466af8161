// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// First numbers of the random streams under one seed, so that no two uses share numbers.
enum class RandomStream : std::uint64_t {
  environment = 0,  ///< one per copy of an environment
  action = std::uint64_t{1} << 32,
  order = std::uint64_t{2} << 32,
  policy_weights = std::uint64_t{3} << 32,
  value_weights = std::uint64_t{4} << 32
};
constexpr std::uint64_t stream_number(RandomStream use, int index = 0) {
  return static_cast<std::uint64_t>(use) + static_cast<std::uint64_t>(index);
}

OPTIFORM_NAMESPACE_END
