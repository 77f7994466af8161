// SPDX-License-Identifier: MIT
#include "../../examples/study/grid.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File file(fuzz::as_text(data, size));
  return fuzz::parse([&] { read_grid(file.path()); });
}
