#!/usr/bin/env bash
# Compiles a file that must be refused, and checks how the refusal reads.
#   check.sh <compiler> <file> <flag>...
# The file begins with the lines
#   // expect: <extended regular expression>   in the first error or one of its notes
#   // lines: <number>                         optional: longest output allowed (40)
# and compiles when CONTROL is defined, so that it fails for its own reason and no other.
set -uo pipefail
compiler=$1 file=$2
shift 2
if ! command -v "$compiler" >/dev/null; then
  echo "skipped: $(basename "$compiler") was not found"
  exit 77
fi
expect=$(sed -n 's|^// expect: ||p' "$file" | head -n 1)
limit=$(sed -n 's|^// lines: ||p' "$file" | head -n 1)
: "${limit:=40}" "${expect:?the file has no line // expect:}"

flags=(-std=c++20 "$@")
case $(basename "$compiler") in
  nvcc) flags+=(-x cu -arch=sm_90 -c -o /dev/null) ;;
  *) flags+=(-fsyntax-only -Wall -Wextra) ;;
esac
[[ $(basename "$compiler") != *g++* || $(basename "$compiler") == clang* ]] ||
  flags+=(-fconcepts-diagnostics-depth=3)

if ! output=$("$compiler" "${flags[@]}" -DCONTROL "$file" 2>&1); then
  echo "$output"
  echo "expected the control variant of $file to compile"
  exit 1
fi
if output=$("$compiler" "${flags[@]}" "$file" 2>&1); then
  echo "expected $file to be refused; it compiles"
  exit 1
fi
echo "$output"
# The first error and its notes: up to the second error.
first=$(awk '/(^|[^a-z])error( |:|#)/ && ++errors == 2 { exit } { print }' <<<"$output")
if ! tr '\n' ' ' <<<"$first" | tr -s ' ' | grep -qE -- "$expect"; then
  echo "expected in the first error: $expect"
  exit 1
fi
lines=$(wc -l <<<"$output")
echo "$lines lines, at most $limit"
((lines <= limit))
