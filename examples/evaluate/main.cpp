// SPDX-License-Identifier: MIT
// Measures a finished run of pretrain: losses on texts, sharpness, slices, forgetting, spectra of
// layers, attention, learned scalars, hybrid inference.
//
//   evaluate runs/tmm-novels
//   evaluate runs/tmm-novels --corpus news=news.txt --sharpness --exact --entropy --scalars
//   evaluate runs/tmm-novels --forgetting news.txt --hybrid 0-1 --jacobian --slice --csv tables
//
// Prints `key value` lines; docs/evaluation.md says what they mean. Exit codes: 0 done, 2 bad
// input.
#include "evaluate.hpp"

int main(int argc, char** argv) { return evaluate_main(argc, argv); }
