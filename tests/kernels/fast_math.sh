#!/usr/bin/env bash
# Compiles and runs a test file as a user with -ffast-math would.
#   fast_math.sh <compiler> <repository> <scratch> <test file> [flags...]
set -euo pipefail
compiler=$1 source=$2 scratch=$3 file=$4
shift 4
command -v "$compiler" >/dev/null || { echo "skipped: $compiler was not found" && exit 77; }
mkdir -p "$scratch"
program=$scratch/$(basename "$compiler")$(printf '%s' "$@")
"$compiler" -std=c++20 -Wall -Wextra -Werror -O2 -ffast-math "$@" -I "$source/include" \
  -DDOCTEST_CONFIG_IMPLEMENT_WITH_MAIN "$source/tests/$file" -o "$program"
"$program"
