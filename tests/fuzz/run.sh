#!/usr/bin/env bash
# Builds the fuzz targets and runs each for some seconds; the last line is 'N passed, N failed'.
#   tests/fuzz/run.sh                  60 seconds for every parser, side by side on all cores
#   tests/fuzz/run.sh 3600 npy         an hour for one
# Environment: OPTIFORM_BUILD_DIR (build-fuzz), OPTIFORM_JOBS (number of processors)
# Inputs that crash stay in <build>/artifacts; add them to corpus/<parser>/ once they are mended.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=${1:-60}
[[ $seconds =~ ^[0-9]+$ ]] || { echo "run.sh: '$seconds' is no number of seconds" >&2 && exit 2; }
shift
build=${OPTIFORM_BUILD_DIR:-build-fuzz}
jobs=${OPTIFORM_JOBS:-$(nproc)}

libfuzzer() {
  echo 'extern "C" int LLVMFuzzerTestOneInput() { return 0; }' |
    clang++ -fsanitize=fuzzer -x c++ - -o /dev/null
}
libfuzzer 2>/dev/null || { echo "skipped: clang++ with libFuzzer was not found" && exit 77; }

mkdir -p "$build/artifacts"
give_up() {
  tail -n 30 "$build/fuzz.log"
  echo "0 passed, 1 failed"
  exit 1
}
cmake --preset fuzz -B "$build" >"$build/fuzz.log" 2>&1 || give_up
targets=("$@")
((${#targets[@]})) || targets=(tests/fuzz/*.cpp)
targets=("${targets[@]##*/}") && targets=("${targets[@]%.cpp}")
programs=()
for name in "${targets[@]}"; do
  [[ $name == replay ]] || programs+=("fuzz_$name")
done
# A parser whose library is absent has no target.
known=$(cmake --build "$build" --target help | grep -oE '^fuzz_[a-z0-9_]+' | sort -u)
wanted=()
for program in "${programs[@]}"; do
  if grep -qx "$program" <<<"$known"; then
    wanted+=("$program")
  else
    echo "skipped: ${program#fuzz_}"
  fi
done
((${#wanted[@]})) || { echo "0 passed, 1 failed" && exit 1; }
cmake --build "$build" -j "$jobs" --target "${wanted[@]}" >"$build/fuzz.log" 2>&1 || give_up

fuzz() {  # program
  local name=${1#fuzz_} found status seeds=()
  [[ ! -d tests/fuzz/corpus/$name ]] || seeds=("tests/fuzz/corpus/$name")
  found=$(mktemp -d)
  # What a parser makes of 16 KiB must not take a gigabyte, nor ten seconds.
  "$build/tests/fuzz/$1" "$found" "${seeds[@]}" -max_total_time="$seconds" \
    -max_len=16384 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$build/artifacts/$name-" >"$build/artifacts/$name.log" 2>&1
  status=$?
  rm -rf "$found"
  local runs
  runs=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$build/artifacts/$name.log")
  if ((status == 0)); then
    echo "passed: $name, $runs inputs"
  else
    grep -vE '^(INFO|#[0-9]+.*(NEW|REDUCE|pulse))' "$build/artifacts/$name.log" | head -n 60
    echo "FAILED: $name"
  fi
}
export -f fuzz
export build seconds
report=$(mktemp)
trap 'rm -f "$report"' EXIT
printf '%s\n' "${wanted[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz {}' | tee "$report"
passed=$(grep -c '^passed: ' "$report")
echo "$passed passed, $((${#wanted[@]} - passed)) failed"
((passed == ${#wanted[@]}))
