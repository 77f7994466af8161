// SPDX-License-Identifier: MIT
#include <optiform/io/checkpoint_manifest.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace optiform::detail;
  // The input is what follows the checksum, which is made to fit: chance would never find it.
  std::string text(manifest_head);
  text.append(manifest_zeros).append(fuzz::as_text(data, size));
  text.replace(manifest_head.size(), manifest_zeros.size(), optiform::checksum(text));
  const fuzz::File file(text);
  return fuzz::parse([&] {
    const auto manifest = read_manifest(optiform::InputFile(file.path()), {.save = 1, .step = 2});
    fuzz::parse([&] { write_manifest(manifest); });
  });
}
