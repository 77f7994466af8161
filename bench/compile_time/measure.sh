#!/usr/bin/env bash
# What one more distinct rule costs to compile: seconds of user time, from the slope between two
# translation units with few and with many copies of triple momentum.
#   measure.sh [compiler]       prints one 'key value' line per figure; wall time is no verdict
set -euo pipefail
compiler=${1:-g++}
include=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/include
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

common='#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/triple_momentum.hpp>
using namespace optiform;
template <int N> struct R : TripleMomentum {};
template <int N> using D = Dynamics<R<N>, DepthOptions{}, 1>;
template <int N> using B = Boundary<D<N>, D<N>>;'
# stage: what a copy instantiates
declare -A copy=(
  [record]='static_assert(recording<R<%d>>.streams == 1);\n'
  [derive]='static_assert(Forward<B<%d>>::plan.sweeps > 0 && Backward<B<%d>>::plan.sweeps > 0);\n'
  [kernels]='template void optiform::run_rows<Forward<B<%d>>, 768>(CpuContext<ForkJoinPool>&, const RowArguments<float>&);
template void optiform::run_rows<Backward<B<%d>>, 768>(CpuContext<ForkJoinPool>&, const RowArguments<float>&);\n'
)

generate() {  # stage, copies
  [[ $1 != kernels ]] || echo '#include <optiform/cpu/context.hpp>
#include <optiform/cpu/row_programs.hpp>'
  echo "$common"
  for ((i = 0; i < $2; ++i)); do
    # shellcheck disable=SC2059  # the format is ours
    printf "${copy[$1]}" $i $i
  done
}
user_seconds() {  # stage, copies, flags...
  local TIMEFORMAT=%U
  generate "$1" "$2" >"$scratch/unit.cpp"
  shift 2
  {
    time "$compiler" -std=c++20 -I "$include" "$@" -c -o "$scratch/unit.o" "$scratch/unit.cpp" 2>&3
  } 3>&2 2>&1
}
slope() {  # key, stage, few, many, flags...
  local key=$1 stage=$2 few=$3 many=$4 low high
  shift 4
  low=$(user_seconds "$stage" "$few" "$@")
  high=$(user_seconds "$stage" "$many" "$@")
  awk -v key="$key" -v low="$low" -v high="$high" -v n=$((many - few)) \
    'BEGIN { printf "%s %.4f\n", key, (high - low) / n }'
}

slope seconds_to_record_a_rule record 1 50 -O0
slope seconds_to_derive_a_program_pair derive 1 20 -O0
slope seconds_to_compile_a_kernel_pair_O2 kernels 1 5 -O2 -march=native
