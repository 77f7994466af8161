// SPDX-License-Identifier: MIT
#include <optiform/io/safetensors.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File input(fuzz::as_text(data, size));
  return fuzz::parse([&] {
    const optiform::SafetensorsFile file(input.path());
    std::vector<double> values;
    for (const auto& tensor : file.tensors()) {
      // Accepted means that the data are there: no shape may ask for more than the file holds.
      std::size_t count = 1;
      for (const auto extent : tensor.shape) count *= static_cast<std::size_t>(extent);
      if (count > size) std::abort();
      values.resize(count);
      fuzz::parse([&] { file.read(tensor.name, tensor.shape, values.data()); });
    }
    file.checksums();
  });
}
