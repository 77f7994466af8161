// SPDX-License-Identifier: MIT
// Continues a prompt with a model that pretrain has trained.
//
//   generate runs/tmm-novels --prompt "It was " --tokens 300 --temperature 0.8 --top-k 50
//
// Rule, shape and tokenizer come from the run directory. Exit codes: 0 done, 2 bad input.
#include "../pretrain/generate.hpp"

int main(int argc, char** argv) { return generate_main(argc, argv); }
