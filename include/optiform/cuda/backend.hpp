// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/backend.hpp>

/// A CUDA stream, as the CUDA headers declare it; none of them is included here.
struct CUstream_st;

OPTIFORM_NAMESPACE_BEGIN

/// The CUDA backend. This header compiles everywhere: host code may name the backend, own views of
/// device memory and hand both to a function that a .cu defines.
struct Cuda {};

/// Memory of a device: a TensorRef<float, 2, DeviceSpace> may cross a .cpp, not be read there.
struct DeviceSpace {};

/// The primitives are in <optiform/cuda/kernels.cuh>, which only a .cu may include.
template <>
struct kernels<Cuda>;

OPTIFORM_NAMESPACE_END
