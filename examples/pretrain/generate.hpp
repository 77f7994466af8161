// SPDX-License-Identifier: MIT
#pragma once

/// What pretrain does when it is called by the name generate (see examples/generate): it shares
/// the compiled models. Returns the exit code.
int generate_main(int argc, char** argv);
