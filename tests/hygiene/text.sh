#!/usr/bin/env bash
# Checks the form of the sources: first lines, length, and that no path of a machine crept in.
#   text.sh <repository>
set -uo pipefail
cd "$1" || exit 1
bad=0
offence() { echo "$1" && bad=1; }

longest=0
while read -r file; do
  head -n 1 "$file" | grep -q '^// SPDX-License-Identifier: MIT$' ||
    offence "$file:1: expected the line // SPDX-License-Identifier: MIT"
  grep -q '^#pragma once$' "$file" || offence "$file: expected #pragma once"
  grep -nE '^[[:space:]]*using namespace' "$file" | sed "s|^|$file:|" | grep . &&
    offence "$file: no using namespace in a header"
  lines=$(wc -l <"$file")
  ((lines <= 400)) || offence "$file: $lines lines; split it, 400 is the limit"
  ((lines <= longest)) || longest=$lines
done < <(find include -name '*.hpp' -o -name '*.cuh' | LC_ALL=C sort)
echo "longest header: $longest lines (at most 400)"

# Neither a home nor a workplace: brackets keep this file from matching itself.
found=$(grep -rnIE '(^|[^A-Za-z0-9_.])/(wor[k]|hom[e]|roo[t])/' include tests bench examples docs \
  cmake .ci ./*.md ./*.txt ./*.json 2>/dev/null | cut -c 1-200)
[[ -z $found ]] || offence "$found
a path of somebody's machine does not belong here"
exit $bad
