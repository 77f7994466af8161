// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Rotary positions: pairs of a head's numbers turn by angles that grow with the position.
///
///   angle of pair i at position t = t base^(-2 i / rotated),   rotated = share of head_dim, even
///
/// Limits    share = 0 rotates nothing; an odd number left over stays as it is.
/// Source    Su et al., "RoFormer", arXiv 2104.09864; pairs are (i, i + rotated / 2), the layout of
///           GPT-NeoX and Llama.
struct Rotary {
  double base = 10000;
  double share = 1;

  /// Pairs of numbers of one head that turn.
  constexpr int pairs(int head_dim) const { return static_cast<int>(share * head_dim) / 2; }
};
inline constexpr Rotary no_rotary{.base = 1, .share = 0};

/// Choices of attention that change which code exists.
struct AttentionOptions {
  bool causal = true;
  int window = 0;             ///< a query sees tokens less than this away; 0: all
  Rotary rotary = no_rotary;  ///< Rotary{} turns queries and keys
  bool qk_norm = false;       ///< every head of queries and keys is divided by its root mean square
  bool zero_start = false;    ///< out_proj starts at zero
  bool biases = false;        ///< both projections add a vector
};

/// Choices of an MLP that change which code exists.
struct MlpOptions {
  bool zero_start = false;  ///< w2 starts at zero
  bool biases = false;      ///< both projections add a vector
};

template <AttentionOptions Options = AttentionOptions{}>
struct Attention;
/// The attention of GPT-2: causal, no rotation, no norm.
using CausalAttention = Attention<>;

template <class Activation, MlpOptions Options = MlpOptions{}>
struct Mlp;
template <class Activation, MlpOptions Options = MlpOptions{}>
struct GatedMlp;

OPTIFORM_NAMESPACE_END
