// SPDX-License-Identifier: MIT
// Continues a prompt with a model that pretrain has trained.
//
//   generate runs/tmm-novels --prompt "It was " --tokens 300 --temperature 0.8 --top-k 50
//
// Rule, shape and tokenizer come from the run directory. Exit codes: 0 done, 2 bad input.
//
// The compiled models, seven rules in four shapes, are in pretrain; compiling them once more would
// double the longest part of the build. So this program is pretrain under another name.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <vector>

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path pretrain = (error ? fs::path(argv[0]) : self).parent_path() / "pretrain";
  char name[] = "generate";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.at(0) = name;
  arguments.push_back(nullptr);
  ::execv(pretrain.c_str(), arguments.data());
  std::fprintf(stderr, "generate: cannot start '%s'; build it too\n", pretrain.c_str());
  return 2;
}
