#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that a task needs, if any is missing.
#   cmake/install_packages.sh build       compilers, libraries and tools of the build and the tests
#   cmake/install_packages.sh quickstart  the same, and what the quickstart draws and trains with
#   cmake/install_packages.sh bench       the same as build, and the libraries to be compared with
#   cmake/install_packages.sh ci          the same as build, and the other tools of .ci/run
set -euo pipefail

packages=(g++ cmake ninja-build ccache libeigen3-dev libxtensor-dev doctest-dev libbenchmark-dev
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libsentencepiece-dev xz-utils
  gnuplot-nox)
case ${1:-build} in
  build) ;;
  quickstart) packages+=(sentencepiece bible-kjv) ;;
  bench) packages+=(python3-numpy libdnnl-dev libopenblas-dev) ;;
  ci) packages+=(clang libclang-rt-14-dev clang-format doxygen) ;;
  *) echo "install_packages.sh: unknown task '$1'; expected build, quickstart, bench or ci" >&2 && exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "optiform: this is no Debian or Ubuntu; going on with what is installed" >&2
  exit 0
fi
installed() {
  [[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) != *" installed" ]] || return 0
  case $1 in  # a program may come from elsewhere
    g++ | cmake | ccache | clang-format) command -v "$1" ;;
    clang) command -v clang++ ;;
    ninja-build) command -v ninja ;;
    xz-utils) command -v xz ;;
    *) return 1 ;;
  esac >/dev/null
}
missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if [[ $(id -u) != 0 ]]; then
  # Ask for a password only where somebody can type one.
  if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
  else
    echo "optiform: these packages are missing and only root can install them:" \
      "apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
echo "optiform: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >>"$log" 2>&1; }
# Known package lists may be enough where the network is not there.
apt update || true
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  tail -n 5 "$log" >&2
  echo "optiform: these packages are missing and apt-get could not install them:" \
    "${missing[*]}" >&2
  exit 1
fi
