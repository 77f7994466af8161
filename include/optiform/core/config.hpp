// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

/// Version of the library; the build system reads it from here.
#define OPTIFORM_VERSION_MAJOR 0
#define OPTIFORM_VERSION_MINOR 1
#define OPTIFORM_VERSION_PATCH 0

/// Everything public lives in an inline namespace that names the binary interface.
#define OPTIFORM_NAMESPACE_BEGIN \
  namespace optiform {           \
  inline namespace v0_1 {
#define OPTIFORM_NAMESPACE_END \
  }                            \
  }

/// Marks what also runs on a device. It decorates; it never changes a declaration's meaning.
#if defined(__CUDACC__)
#define OPTIFORM_HD __host__ __device__
#else
#define OPTIFORM_HD
#endif

/// Kernels must collapse into straight-line code: the compiler is not asked for its opinion.
#if defined(__GNUC__) || defined(__clang__)
#define OPTIFORM_INLINE inline __attribute__((always_inline))
#define OPTIFORM_RESTRICT __restrict__
#else
#define OPTIFORM_INLINE inline
#define OPTIFORM_RESTRICT
#endif

OPTIFORM_NAMESPACE_BEGIN

/// Sizes, offsets and loop counters. Signed, so that differences are meaningful.
using Index = std::ptrdiff_t;

OPTIFORM_NAMESPACE_END
