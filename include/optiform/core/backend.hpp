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
/// [batch, length, 3, heads, head_dim]; the output is [batch, length, heads, head_dim].
struct AttentionProblem {
  Index batch = 1, length = 1, heads = 1, head_dim = 1;
  bool causal = true;
  double scale = 1;  ///< factor of the dot products, usually 1 / sqrt(head_dim)
};

OPTIFORM_NAMESPACE_END
