#!/usr/bin/env bash
# Runs a program and checks how its output ends.
#   last_line.sh <expected last line> <program> [arguments]
set -uo pipefail
expected=$1
shift
output=$("$@")
status=$?
echo "$output"
if [[ ${output##*$'\n'} != "$expected" ]]; then
  echo "expected the last line: $expected"
  exit 1
fi
exit $status
