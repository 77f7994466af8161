// SPDX-License-Identifier: MIT
// Trains a Transformer of any rule on any text, and resumes it to the bit.
//
//   pretrain --rule tmm --shape novels --data novels.txt --out runs/tmm
//   pretrain --rule vanilla --shape gpt2-small --dry-run
//   pretrain --resume --out runs/tmm
//
// Exit codes: 0 done, 2 bad input, 3 NaN or infinity, 130 or 143 saved and left on a signal.
#include "train.hpp"

int main(int argc, char** argv) { return pretrain_main(argc, argv); }
