// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/attention_problem.hpp>  // IWYU pragma: export
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

OPTIFORM_NAMESPACE_END
