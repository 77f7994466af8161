// SPDX-License-Identifier: MIT
#include <optiform/training/log_reader.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::parse([&] { optiform::parse_log(fuzz::as_text(data, size), "log.csv"); });
}
