#!/usr/bin/env bash
# Holds the preprocessed size of the public headers within its budget.
#   budgets.sh <g++> <root that contains optiform/>
set -uo pipefail
compiler=$1
cd "$2" || exit 1
bad=0
check() {  # file, budget
  local lines
  lines=$("$compiler" -std=c++20 -E -P -I . -include "$1" -x c++ /dev/null | wc -l) || bad=1
  printf '%6d of %d lines  %s\n' "$lines" "$2" "$1"
  ((lines <= $2)) || bad=1
}
# Floors with g++ 12: <string> and <vector> 22,821 lines, with <cmath> 28,816.
while read -r pattern budget; do
  for header in optiform/$pattern; do
    [[ ! -e $header ]] || check "$header" "$budget"
  done
done <<'END'
core/*.hpp     24000
rules/*.hpp    22000
oracles/*.hpp  24500
depth/*.hpp    31000
weights/*.hpp  30000
policy/*.hpp   42000
policy/*/*.hpp 38000
optiform.hpp   36000
END
((bad == 0)) || echo "a header is over its budget, or does not compile"
exit $bad
