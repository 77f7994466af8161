#!/usr/bin/env bash
# Configures, builds and runs the core tests as on a machine that has the standard library, Eigen,
# xtensor and doctest only.
#   minimal.sh <cmake> <source> <scratch> [-D...]
set -euo pipefail
cmake=$1 source=$2 scratch=$3
shift 3
absent=()
for package in nlohmann_json CLI11 tomlplusplus SentencePiece benchmark dnnl OpenMP BLAS; do
  absent+=("-DCMAKE_DISABLE_FIND_PACKAGE_$package=ON")
done
"$cmake" -G Ninja -S "$source" -B "$scratch" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DOPTIFORM_WERROR=ON "${absent[@]}" "$@" >"$scratch.log" ||
  { cat "$scratch.log" && exit 1; }
targets=(test_core test_rules test_cpu bench_depth)
"$cmake" --build "$scratch" --target "${targets[@]}"
for target in "${targets[@]}"; do
  [[ $target != test_* ]] || "$scratch/tests/${target#test_}_tests"
done
