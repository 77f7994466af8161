// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/training/sampling.hpp>

/// What pretrain does when it is called by the name generate (see examples/generate): it shares
/// the compiled models. Returns the exit code.
int generate_main(int argc, char** argv);

/// The prompt and what the run's model adds to it. Throws optiform::Error.
std::string continue_prompt(const std::string& run, const std::string& prompt,
                            optiform::Index tokens, int threads,
                            optiform::SamplingOptions sampling);
