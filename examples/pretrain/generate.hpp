// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <optiform/training/generation.hpp>

/// The program generate, also of programs that hold pretrain and generate in one. Returns the exit
/// code.
int generate_main(int argc, char** argv);

/// Texts to continue with a run's model, and how.
struct GenerationRequest {
  std::string run;
  std::vector<std::string> prompts = {"The "};
  optiform::GenerationOptions options;
  int threads = 0;
};

/// Prints the prompts and what the run's model adds to them; one prompt's text as it comes.
/// Throws optiform::Error.
optiform::Generation continue_prompts(const GenerationRequest& request);
