#!/usr/bin/env bash
# The checks find what they look for: every planted offence is named with its file and line.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0
expect() {  # sentence, output
  grep -qF "$1" <<<"$2" || { echo "not reported: $1" && bad=1; }
}
head=$'// SPDX-License-Identifier: MIT\n#pragma once\n'
plant() {  # file, contents
  mkdir -p "$tree/include/optiform/$(dirname "$1")"
  printf '%s%s\n' "$head" "$2" >"$tree/include/optiform/$1"
}

plant core/good.hpp '#include <vector>'
plant rules/good.hpp '#include <optiform/core/good.hpp>'
"$here/includes.sh" "$tree/include" || { echo "a good tree was refused" && bad=1; }
"$here/text.sh" "$tree" >/dev/null || { echo "a good text was refused" && bad=1; }

plant core/arrow.hpp '#include <optiform/rules/good.hpp>'
plant depth/backend.hpp '#include <optiform/cpu/kernels.hpp>'
plant core/heavy.hpp '#include <functional>'
plant weights/eigen.hpp '#include <Eigen/Core>'
plant cpu/device.hpp '#include <optiform/cuda/kernels.cuh>'
plant core/quoted.hpp '#include "good.hpp"'
plant misc/new.hpp ''
output=$("$here/includes.sh" "$tree/include") && bad=1
expect "core/arrow.hpp:3: core must not include optiform/rules/good.hpp" "$output"
expect "depth/backend.hpp:3: depth must not include optiform/cpu/kernels.hpp" "$output"
expect "core/heavy.hpp:3: <functional> is too heavy" "$output"
expect "weights/eigen.hpp:3: Eigen belongs to" "$output"
expect "cpu/device.hpp:3: a .hpp must not include a .cuh" "$output"
expect "core/quoted.hpp:3: write #include <...>" "$output"
expect "misc/new.hpp:1: folder misc is not in the table" "$output"

plant core/long.hpp "$(seq -f '// %g' 400)"
plant core/path.hpp '// see /hom''e/me/x'
echo "int x;" >"$tree/include/optiform/core/bare.hpp"
output=$("$here/text.sh" "$tree") && bad=1
expect "core/long.hpp: 402 lines" "$output"
expect "core/path.hpp:3:" "$output"
expect "core/bare.hpp:1: expected the line // SPDX" "$output"

rm -r "$tree"
plant core/broken.hpp '#include <optiform/none.hpp>'
output=$("$here/budgets.sh" g++ "$tree/include" 2>&1) && bad=1
expect "over its budget, or does not compile" "$output"
rm -r "$tree"
plant core/big.hpp "$(seq -f 'int i%g;' 24001)"
output=$("$here/budgets.sh" g++ "$tree/include") && bad=1
expect "of 24000 lines  optiform/core/big.hpp" "$output"
exit $bad
