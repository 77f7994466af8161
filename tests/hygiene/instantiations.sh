#!/usr/bin/env bash
# Holds the number of templates that a reference unit instantiates within 5 % of its baseline.
# The count is the same on every run; clang counts.
#   instantiations.sh <include root>     raise the baseline only together with its reason
set -euo pipefail
baseline=6070
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v clang++ >/dev/null; then
  echo "skipped: clang++ was not found"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
clang++ -std=c++20 -I "$1" -ftime-trace -ftime-trace-granularity=0 \
  -o "$scratch/unit.o" -c "$here/reference_unit.cpp"
count=$(grep -oE '"name":"Instantiate(Class|Function)"' "$scratch"/*.json | wc -l)
echo "$count instantiations, baseline $baseline"
((count * 100 <= baseline * 105))
