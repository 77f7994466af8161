// SPDX-License-Identifier: MIT
// Prints docs/programs.md: every rule as it was recorded, and the passes that were derived from it.
//   print_programs > docs/programs.md
#include <cstdio>

#include "programs.hpp"

int main() { std::fputs(programs::page().c_str(), stdout); }
