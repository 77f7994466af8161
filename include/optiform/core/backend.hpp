// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The primitive table of a backend, specialised once in the backend's own folder
/// (<optiform/cpu/kernels.hpp>, <optiform/cpu/reference.hpp>, <optiform/cuda/kernels.cuh>).
/// Drivers see only this declaration; the program brings the backend.
template <class Backend>
struct kernels;

/// What a backend's functions need at run time: threads or a stream, and scratch memory.
template <class Backend>
using context_t = typename kernels<Backend>::Context;

/// Whether a matrix operand is read as stored or with its axes exchanged.
enum class Transpose { no, yes };

/// Sizes of one attention call. Queries, keys and values lie interleaved in one buffer
/// [batch, length, heads + 2 kv_heads, head_dim]; the output is [batch, length, heads, head_dim].
struct AttentionProblem {
  Index batch = 1, length = 1, heads = 1, head_dim = 1;
  bool causal = true;
  double scale = 1;    ///< factor of the dot products, usually 1 / sqrt(head_dim)
  Index kv_heads = 0;  ///< heads of keys and values, each shared by heads / kv_heads; 0: heads
  Index window = 0;    ///< a query sees itself and the window - 1 tokens before it; 0: all

  constexpr Index key_heads() const { return kv_heads == 0 ? heads : kv_heads; }
};

OPTIFORM_NAMESPACE_END
