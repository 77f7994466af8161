// SPDX-License-Identifier: MIT
#pragma once

/// What evaluate does with its command line, for programs that bring other compiled models. Returns
/// the exit code.
int evaluate_main(int argc, char** argv);
