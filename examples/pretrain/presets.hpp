// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <optiform/core/shape.hpp>

/// A named size. Width, heads and hidden size are types; the other numbers are defaults that the
/// command line may change.
struct Preset {
  std::string_view name;
  optiform::ModelShape shape;
  optiform::Index layers, context, length, batch, vocabulary;
  std::string_view tokenizer;
};

inline constexpr Preset presets[] = {
    {"tiny", {.width = 64, .heads = 2, .hidden = 256}, 2, 64, 64, 8, 256, "bytes"},
    {"novels", {.width = 192, .heads = 3, .hidden = 768}, 4, 128, 128, 8, 4096, "bpe"},
    {"small", {.width = 384, .heads = 6, .hidden = 1536}, 6, 256, 256, 8, 8192, "bpe"},
    {"gpt2-small", optiform::gpt2_small, 12, 1024, 1024, 8, 50304, "bpe"},
};
