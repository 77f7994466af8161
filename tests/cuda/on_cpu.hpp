// SPDX-License-Identifier: MIT
#pragma once

#include "programs.hpp"

namespace optiform::testing {

/// Runs a program on the CPU backend. The border between the compilers: called by a .cu, defined
/// and instantiated in row_kernel_host_test.cpp.
template <class P>
void run_on_cpu(Run<P, float>& run);

}  // namespace optiform::testing
