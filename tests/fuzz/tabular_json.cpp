// SPDX-License-Identifier: MIT
#include <optiform/environments/tabular/json.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  return fuzz::parse([&] {
    const auto mdp = optiform::mdp_from_json(text);
    optiform::logits_from_json(mdp, text);
  });
}
