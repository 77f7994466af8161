#!/usr/bin/env bash
# Builds and runs a report: one 'key value' line per figure, comments after '#'.
#   bench/report.sh depth              row programs and whole training steps
#   bench/report.sh depth --quick      a smoke test of the same
#   bench/report.sh generation         writing text token by token
#   bench/report.sh profile [gpt2]     where the time of a training step goes
#   bench/report.sh tabular            exact policy optimization on finite processes
# Environment: PYTHON (a Python with PyTorch or, for tabular, numpy, measured alternately),
#              OPTIFORM_BUILD_DIR (build), OPTIFORM_JOBS (number of processors)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${OPTIFORM_BUILD_DIR:-build}

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
case ${1:-} in
  depth) program=depth ;;
  generation) program=generation ;;
  profile) program=depth_profile ;;
  tabular) program=tabular ;;
  *) usage ;;
esac
shift

# quietly <what> <command>...: its output is shown only if it fails.
quietly() {
  local what=$1 log=$build/report.log
  shift
  mkdir -p "$build"
  "$@" >"$log" 2>&1 && return
  tail -n 30 "$log" >&2
  echo "bench/report.sh: $what failed" >&2
  exit 1
}
quietly "installing packages" cmake/install_packages.sh build
quietly "configuring" cmake --preset release -B "$build" -DOPTIFORM_BUILD_BENCH=ON
quietly "building" cmake --build "$build" -j "${OPTIFORM_JOBS:-$(nproc)}" --target "bench_$program"

peer=()
if [[ $program =~ ^(depth|generation)$ && -n ${PYTHON:-} ]]; then
  "$PYTHON" -c 'import torch' 2>/dev/null || {
    echo "bench/report.sh: $PYTHON has no PyTorch; unset PYTHON to report without it" >&2
    exit 1
  }
  peer=(--peer "$PYTHON" "bench/${program}_peer.py")
fi
# The first Python that has numpy.
with_numpy() {
  local python
  for python in ${PYTHON:-python3 /usr/bin/python3}; do
    if "$python" -c 'import numpy' 2>/dev/null; then echo "$python" && return; fi
  done
  return 1
}
if [[ $program == tabular ]]; then
  if ! python=$(with_numpy); then
    if [[ -n ${PYTHON:-} ]]; then
      echo "bench/report.sh: $PYTHON has no numpy; unset PYTHON to report without it" >&2
      exit 1
    fi
    cmake/install_packages.sh bench >/dev/null 2>&1 || true
    python=$(with_numpy) || python=''
  fi
  [[ -z $python ]] || peer=(--peer "$python" bench/tabular_peer.py)
fi
exec "$build/bench/$program" "$@" "${peer[@]}"
