// SPDX-License-Identifier: MIT
#include <optiform/io/token_shards.hpp>

#include "input.hpp"

// The whole input is one shard, and both of its halves are two.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::as_text(data, size);
  const fuzz::File whole(bytes), front(bytes.substr(0, size / 2)), back(bytes.substr(size / 2));
  const auto read = [](const std::vector<std::filesystem::path>& files) {
    fuzz::parse([&] {
      const optiform::TokenShards shards(files, 50257);
      std::vector<std::int32_t> tokens(static_cast<std::size_t>(shards.size()));
      shards.copy(0, shards.size(), tokens.data());
      for (const std::int32_t token : tokens)
        if (token < 0 || token >= 50257) std::abort();
    });
  };
  read({whole.path()});
  read({front.path(), back.path()});
  return 0;
}
