// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Feature sizes of a Transformer. They are part of the type: kernels unroll over them.
///
/// Shapes    width = heads * head_dim; hidden is the MLP's inner width. Groups of heads / kv_heads
///           query heads share one head of keys and values (grouped-query attention).
struct ModelShape {
  int width = 0;
  int heads = 1;
  int hidden = 0;
  int kv_heads = 0;  ///< 0: as many as heads

  constexpr int head_dim() const { return width / heads; }
  /// Heads of keys, and of values.
  constexpr int key_heads() const { return kv_heads > 0 ? kv_heads : heads; }
  friend constexpr bool operator==(const ModelShape&, const ModelShape&) = default;
};

/// GPT-2 small: 12 heads of 64, MLP four times as wide.
inline constexpr ModelShape gpt2_small{.width = 768, .heads = 12, .hidden = 3072};

OPTIFORM_NAMESPACE_END
