// SPDX-License-Identifier: MIT
#include <optiform/io/npy.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File file(fuzz::as_text(data, size));
  fuzz::parse([&] { optiform::load_npy<float>(file.path()); });
  float values[6];
  return fuzz::parse([&] {
    optiform::load_npy(file.path(), optiform::TensorRef<float, 2>{values, {2, 3}});
  });
}
