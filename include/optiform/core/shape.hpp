// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Feature sizes of a Transformer. They are part of the type: kernels unroll over them.
///
/// Shapes    width = heads * head_dim; hidden is the MLP's inner width.
struct ModelShape {
  int width = 0;
  int heads = 1;
  int hidden = 0;

  constexpr int head_dim() const { return width / heads; }
  friend constexpr bool operator==(const ModelShape&, const ModelShape&) = default;
};

/// GPT-2 small: 12 heads of 64, MLP four times as wide.
inline constexpr ModelShape gpt2_small{.width = 768, .heads = 12, .hidden = 3072};

OPTIFORM_NAMESPACE_END
