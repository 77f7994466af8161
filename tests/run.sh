#!/usr/bin/env bash
# Installs what is missing, builds and runs the tests; the last line is 'N passed, N failed'.
#   tests/run.sh                      everything that g++ can check, in the release configuration
#   tests/run.sh -R attention         arguments go to ctest; -L and -LE select by label
# Environment: OPTIFORM_BUILD_DIR (build), OPTIFORM_PRESET (release), OPTIFORM_TARGETS (all),
#              OPTIFORM_JOBS (number of processors), OPTIFORM_BENCH (OFF: benches are not built)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
preset=${OPTIFORM_PRESET:-release}
build=${OPTIFORM_BUILD_DIR:-build}
jobs=${OPTIFORM_JOBS:-$(nproc)}

give_up() {
  echo "tests/run.sh: $1 failed"
  echo "0 passed, 1 failed"
  exit 1
}
# ccache keeps objects of precompiled headers only if told that they hold no time and no macros.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
read -ra targets <<<"${OPTIFORM_TARGETS:-all}"
cmake/install_packages.sh build || give_up "installing packages"
mkdir -p "$build"
if ! cmake --preset "$preset" -B "$build" "-DOPTIFORM_BUILD_BENCH=${OPTIFORM_BENCH:-OFF}" \
  >"$build/configure.log" 2>&1; then
  tail -n 30 "$build/configure.log"
  give_up "configuring"
fi
grep -E '^-- optiform:' "$build/configure.log"
cmake --build "$build" -j "$jobs" --target "${targets[@]}" || give_up "building"

# Without arguments: not what .ci/run adds (label ci: every header alone, the other compilers).
(($#)) || set -- -LE '^ci$'
report=$PWD/$build/ctest.xml
[[ $build == /* ]] && report=$build/ctest.xml
rm -f "$report"
ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error \
  --output-junit "$report" "$@"
status=$?

count() { sed -nE "s/^[[:space:]]*$1=\"([0-9]+)\".*/\1/p" "$report" 2>/dev/null | head -n 1; }
total=$(count tests) failed=$(count failures) skipped=$(count skipped)
: "${total:=0}" "${failed:=0}" "${skipped:=0}"
((status == 0 || failed > 0)) || failed=1
passed=$((total - failed - skipped))
((passed >= 0)) || passed=0
((skipped == 0)) && echo "$passed passed, $failed failed" ||
  echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
