#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Trains a vanilla and a triple-momentum Transformer on real text under the same budget, draws both
# validation curves and lets the second one write. Installs and builds what is missing.
#   examples/quickstart.sh                    the King James Bible, about 6 minutes on two cores
#   examples/quickstart.sh --smoke            the same in under a minute, too short to learn much
#   examples/quickstart.sh --data FILE        any text
#   examples/quickstart.sh --steps N          another budget
#   examples/quickstart.sh --out DIR          where the results go (runs/quickstart)
# Environment: OPTIFORM_BUILD_DIR (build), OPTIFORM_PRESET (release), OPTIFORM_JOBS (processors)
set -euo pipefail
start_dir=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
export LC_ALL=C
stop() {
  echo "quickstart.sh: $1" >&2
  exit 2
}
absolute() { case $1 in /*) echo "$1" ;; *) echo "$start_dir/$1" ;; esac }

data='' out=runs/quickstart smoke=no steps=''
while (($#)); do
  case $1 in
    --smoke) smoke=yes ;;
    --data | --steps | --out)
      (($# > 1)) || stop "$1 needs a value"
      case $1 in
        --data) data=$(absolute "$2") ;;
        --steps) steps=$2 ;;
        --out) out=$(absolute "$2") ;;
      esac
      shift
      ;;
    -h | --help) sed -n '3,11s/^# \{0,1\}//p' examples/quickstart.sh && exit 0 ;;
    *) stop "option '$1' is unknown; --help lists all" ;;
  esac
  shift
done
[[ -z $steps || $steps =~ ^[1-9][0-9]*$ ]] || stop "--steps is '$steps'; expected a positive number"
[[ -z $data || -s $data ]] || stop "text file '$data' does not exist or is empty"

marker=$out/made-by-quickstart
if [[ -e $out && ! -e $marker && -n $(ls -A "$out") ]]; then
  stop "directory '$out' is not empty and not of an earlier quickstart; name another with --out"
fi

echo "== 1/4 packages and build"
cmake/install_packages.sh quickstart
build=${OPTIFORM_BUILD_DIR:-build}
mkdir -p "$build"
if ! cmake --preset "${OPTIFORM_PRESET:-release}" -B "$build" >"$build/configure.log" 2>&1; then
  tail -n 20 "$build/configure.log" >&2
  stop "CMake could not configure; see $build/configure.log"
fi
cmake --build "$build" -j "${OPTIFORM_JOBS:-$(nproc)}" --target example_quickstart
program=$build/examples/quickstart

echo "== 2/4 text"
mkdir -p "$out"
touch "$marker"
if [[ -z $data ]]; then
  data=$out/bible.txt
  if [[ ! -s $data ]]; then
    # One verse a line, without the reference in front of it.
    bible -f gen1:1-rev22:21 </dev/null | sed -E 's/^[^ ]+ //' >"$data.part"
    (($(wc -c <"$data.part") > 4000000)) ||
      stop "the program bible did not print the Bible; name a text with --data"
    mv "$data.part" "$data"
  fi
fi
echo "$data: $(wc -c <"$data") bytes"

# Both rules get exactly the same.
if [[ $smoke == yes ]]; then
  steps=${steps:-350}
  budget=(--shape tiny --tokenizer bpe:1024 --learning-rate 3e-3 --validation-blocks 50)
else
  steps=${steps:-700}
  budget=(--shape novels --tokenizer bpe:4096 --learning-rate 2e-3)
fi
budget+=(--sample-tokens 0 --steps "$steps" --warmup $((steps / 15)))

echo "== 3/4 training"
rules=(vanilla tmm)
for rule in "${rules[@]}"; do
  run=$out/$rule
  rm -rf "$run"  # of an earlier quickstart: the marker is beside it
  echo "-- $rule"
  "$program" pretrain --brief --rule "$rule" --data "$data" --out "$run" "${budget[@]}"
done

echo "== 4/4 results"
case $out in /*) ;; *) out=$root/$out ;; esac
value() { sed -n "s/^$2 //p" "$out/$1/summary.txt"; }
table() {
  printf '%-9s %11s %11s %11s %9s %11s %9s\n' \
    rule parameters validation best bigram tokens/s seconds
  for rule in "${rules[@]}"; do
    printf '%-9s %11d %11.4f %11.4f %9.4f %11.0f %9.0f\n' "$rule" "$(value "$rule" parameters)" \
      "$(value "$rule" validation_loss)" "$(value "$rule" best_validation_loss)" \
      "$(value "$rule" bigram_loss)" "$(value "$rule" tokens_per_second)" "$(value "$rule" seconds)"
  done
}
title=$(basename "$data")
(cd "$out" && gnuplot -e "out='curves.png'; runs='${rules[*]}'; titles='${rules[*]}'" \
  -e "bigram=$(value tmm bigram_loss); subtitle='${title//\'/}, $steps steps'" "$root/examples/plot_curves.gp")
table | tee "$out/table.txt"
echo
echo "A sample of the triple-momentum Transformer:"
"$program" generate "$out/tmm" --prompt "And it came to pass" --tokens 120 --seed 1
echo
echo "Curves: $out/curves.png   table: $out/table.txt   runs: $out/vanilla $out/tmm"
