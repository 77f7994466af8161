// SPDX-License-Identifier: MIT
#include "../../examples/pretrain/config_file.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File file(fuzz::as_text(data, size));
  return fuzz::parse([&] { read_config(file.path()); });
}
