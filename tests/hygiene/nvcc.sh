#!/usr/bin/env bash
# Compiles with nvcc: a .cu as it is, headers through a .cu that includes them.
#   nvcc.sh <nvcc> <include root> <file.cu>
#   nvcc.sh <nvcc> <include root> <header>...
set -uo pipefail
nvcc=$1 root=$2
shift 2
if [[ ! -x $nvcc ]]; then
  echo "skipped: nvcc was not found"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unit=$1
if [[ $unit != *.cu ]]; then
  unit=$scratch/headers.cu
  for header in "$@"; do
    echo "#include <${header#"$root"/}>"
  done >"$unit"
fi
"$nvcc" -std=c++20 -arch=sm_90 -I "$root" --Werror all-warnings -c -o "$scratch/unit.o" "$unit"
