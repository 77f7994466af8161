// SPDX-License-Identifier: MIT
#pragma once

#include "programs.hpp"

/// The border between host and device code: functions that a .cpp calls and row_kernel.cu defines.
namespace optiform::testing {

bool device_exists();

/// Runs a program on the device: buffers go there and come back. `Length` 0 takes the run's.
template <class P, Index Length>
void run_on_device(Run<P, float>& run);

}  // namespace optiform::testing
