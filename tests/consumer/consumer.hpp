// SPDX-License-Identifier: MIT
#pragma once

#if defined(WITH_CPU) && __has_include(<optiform/cpu.hpp>)
#include <optiform/cpu.hpp>
#endif
#include <optiform/core/memory.hpp>

/// Defined in the other translation unit.
optiform::Index planned_bytes(optiform::Index tokens);
