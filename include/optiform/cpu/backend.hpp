// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Matrix products by the library's own packed kernel: <optiform/cpu/gemm_packed.hpp>.
struct PackedGemm;

/// Matrix products by Eigen, to be included on request: <optiform/cpu/gemm_eigen.hpp>.
struct EigenGemm;

/// Matrix products by oneDNN or a CBLAS, if the program links one: <optiform/cpu/gemm_onednn.hpp>,
/// <optiform/cpu/gemm_cblas.hpp>.
struct OneDnnGemm;
struct CblasGemm;

/// Threads by std::thread: <optiform/cpu/threads.hpp>.
class ForkJoinPool;

/// The vectorised, threaded CPU backend. Both choices are types, never macros: two of them may
/// live in one program. Its primitives are in <optiform/cpu/kernels.hpp>.
template <class Gemm = PackedGemm, class Threads = ForkJoinPool>
struct BasicCpu {};

using Cpu = BasicCpu<>;

/// Plain loops over any scalar: the specification every other backend is tested against.
/// Its primitives are in <optiform/cpu/reference.hpp>.
struct Reference {};

OPTIFORM_NAMESPACE_END
