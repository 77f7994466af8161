// SPDX-License-Identifier: MIT
#pragma once

/// What pretrain does with its command line, and generate with its own where that is the name of
/// the program: for programs that bring other compiled models. Returns the exit code.
int pretrain_main(int argc, char** argv);
