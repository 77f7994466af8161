#!/usr/bin/env bash
# Builds and runs a report: one 'key value' line per figure, comments after '#'.
#   bench/report.sh depth              all of a language model: training steps and the next three
#   bench/report.sh depth --quick      a smoke test of the same
#   bench/report.sh gemm               matrix products beside oneDNN and OpenBLAS
#   bench/report.sh attention          attention as a share of the multiply-add rate
#   bench/report.sh generation         writing text token by token
#   bench/report.sh family             what each update rule costs beside the plain connection
#   bench/report.sh profile [gpt2]     where the time of a training step goes
#   bench/report.sh tabular            exact policy optimization on finite processes
# Environment: PYTHON (a Python with PyTorch or, for tabular, numpy, measured alternately),
#              OPTIFORM_BUILD_DIR (build), OPTIFORM_JOBS (number of processors)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${OPTIFORM_BUILD_DIR:-build}

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
report=${1:-}
case $report in
  depth) programs=(depth attention gemm_report generation) ;;
  gemm) programs=(gemm_report) ;;
  attention | family | generation | tabular) programs=("$report") ;;
  profile) programs=(depth_profile) ;;
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
# What is only compared with may be absent.
[[ " ${programs[*]} " != *" gemm_report "* ]] || cmake/install_packages.sh bench >/dev/null 2>&1 || true
quietly "configuring" cmake --preset release -B "$build" -DOPTIFORM_BUILD_BENCH=ON
quietly "building" cmake --build "$build" -j "${OPTIFORM_JOBS:-$(nproc)}" \
  --target "${programs[@]/#/bench_}"

# The first Python that has numpy.
with_numpy() {
  local python
  for python in ${PYTHON:-python3 /usr/bin/python3}; do
    if "$python" -c 'import numpy' 2>/dev/null; then echo "$python" && return; fi
  done
  return 1
}
# peer_of <program>: the words that bring its rival in, if it has one and that is present.
peer_of() {
  local python
  case $1 in
    depth | family | generation)
      [[ -z ${PYTHON:-} ]] && return
      echo --peer "$PYTHON" "bench/${1/family/depth}_peer.py"
      ;;
    tabular)
      python=$(with_numpy) || { cmake/install_packages.sh bench >/dev/null 2>&1 || true; }
      python=${python:-$(with_numpy || true)}
      [[ -z $python ]] || echo --peer "$python" bench/tabular_peer.py
      ;;
  esac
}
if [[ -n ${PYTHON:-} ]]; then
  [[ $report == tabular ]] && module=numpy || module=torch
  "$PYTHON" -c "import $module" 2>/dev/null || {
    echo "bench/report.sh: $PYTHON has no $module; unset PYTHON to report without it" >&2
    exit 1
  }
fi
for program in "${programs[@]}"; do
  read -ra peer <<<"$(peer_of "$program")"
  options=("$@")
  [[ $report != depth || $program == depth || $program == generation ]] || options=()
  echo "# $program"
  "$build/bench/$program" "${options[@]}" "${peer[@]}"
done
