// SPDX-License-Identifier: MIT
#pragma once

/// Everything for the CPU: the library and its two host backends, Cpu and Reference.

#include <optiform/cpu/kernels.hpp>    // IWYU pragma: export
#include <optiform/cpu/reference.hpp>  // IWYU pragma: export
#include <optiform/optiform.hpp>       // IWYU pragma: export
