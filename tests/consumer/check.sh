#!/usr/bin/env bash
# Builds and runs the consumer project, and checks that no flag of ours reached its compiler.
#   check.sh <cmake> <source of optiform> <its build directory> <scratch> <mode> <components> [-D...]
# The component openmp must bring its flag, and no other component any.
set -euo pipefail
cmake=$1 source=$2 build=$3 scratch=$4 mode=$5 wanted=$6
shift 6
rm -rf "$scratch"
mkdir -p "$scratch"

options=(-DOPTIFORM_MODE="$mode" -DOPTIFORM_WANTED="$wanted" "$@")
if [[ $mode == find_package ]]; then
  "$cmake" --install "$build" --prefix "$scratch/prefix" >/dev/null
  options+=(-DCMAKE_PREFIX_PATH="$scratch/prefix")
else
  options+=(-DOPTIFORM_SOURCE="$source")
fi
"$cmake" -G Ninja -S "$source/tests/consumer" -B "$scratch/build" "${options[@]}" >"$scratch/log" ||
  { cat "$scratch/log" && exit 1; }
"$cmake" --build "$scratch/build"
"$scratch/build/consumer"

leaked=$(grep -oE -- ' -(O[0-9sfg]?|m[a-z0-9=-]+|W[a-z0-9=-]*|f[a-z0-9=-]+|DNDEBUG)( |")' \
  "$scratch/build/compile_commands.json" | sort -u | tr -d ' "' || true)
expected=
[[ $wanted != openmp ]] || expected=-fopenmp
if [[ $leaked != "$expected" && $leaked != "$expected=libomp" ]]; then
  echo "flags that reached the consumer's compiler: '$leaked', expected '$expected'"
  exit 1
fi
