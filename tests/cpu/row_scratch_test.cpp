// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu/row_programs.hpp>

namespace optiform::testing {

TEST_CASE("row programs: scratch is out of step with the rows, inside its block and aligned") {
  Buffer<std::byte> block(2 * detail::most_stagger), rows(2 * detail::most_stagger);
  const auto address = [](const void* p) { return reinterpret_cast<std::size_t>(p); };
  for (const Index length : {768, 384, 192, 64, 1024, 7, 1})
    for (Index shift = 0; shift < detail::most_stagger; shift += memory_alignment) {
      const auto* const first = reinterpret_cast<const float*>(rows.data() + shift);
      const float* const scratch = detail::row_scratch(block.data(), first, length);
      const std::size_t moved = address(scratch) - address(block.data());
      CHECK(moved < static_cast<std::size_t>(detail::most_stagger));
      CHECK(moved % static_cast<std::size_t>(memory_alignment) == 0);
      // Rows of these lengths lie at multiples of `step`: half of it is as far away as can be.
      const std::size_t step = length == 768    ? 1024
                               : length == 384  ? 512
                               : length == 1024 ? 4096
                                                : 0;
      if (step > 0) CHECK((address(scratch) - address(first)) % step == step / 2);
    }
}

}  // namespace optiform::testing
