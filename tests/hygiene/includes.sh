#!/usr/bin/env bash
# Checks what public headers may include: the arrows between the folders and the forbidden headers.
#   includes.sh <root that contains optiform/>     prints file:line of every offence
set -euo pipefail
cd "$1"

# folder: folders it may include besides itself. The umbrellas and the borders stand alone.
arrows='
core:
rules:         core
oracles:       core
depth:         core rules oracles
weights:       core rules oracles
policy:        core rules oracles
cpu:           core rules
cuda:          core rules
io:            core
distributed:   core
training:      core rules oracles depth weights policy io
environments:  core rules oracles policy
fwd.hpp:       core oracles
optiform.hpp:  fwd.hpp core rules oracles depth weights policy
cpu.hpp:       optiform.hpp fwd.hpp core rules oracles depth weights policy cpu
tabular.hpp:   core rules oracles policy environments cpu
rollout.hpp:   core rules oracles policy environments cpu
'

# shellcheck disable=SC2016  # the program is awk's
find optiform \( -name '*.hpp' -o -name '*.cuh' \) | LC_ALL=C sort | xargs awk -v arrows="$arrows" '
  BEGIN {
    lines = split(arrows, line, "\n")
    for (i = 1; i <= lines; ++i) {
      words = split(line[i], word, /:? +|:$/)
      from = word[1]
      allowed[from, from] = known[from] = 1
      for (j = 2; j <= words; ++j) allowed[from, word[j]] = 1
    }
  }
  function offence(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
  FNR == 1 {
    split(FILENAME, part, "/")
    folder = part[2]
    border = FILENAME ~ /^optiform\/io\/(eigen|xtensor|npy)\.hpp$/
    if (!(folder in known)) offence("folder " folder " is not in the table of arrows")
  }
  /^[ \t]*#[ \t]*include/ {
    name = $0
    sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
    if (name !~ /^</) { offence("write #include <...> from the root"); next }
    sub(/^</, "", name); sub(/>.*/, "", name)
    if (name ~ /^optiform\//) {
      split(name, target, "/")
      if (!((folder, target[2]) in allowed)) offence(folder " must not include " name)
      if (name ~ /\.cuh$/ && FILENAME ~ /\.hpp$/) offence("a .hpp must not include a .cuh")
      if (name ~ /^optiform\/io\/(eigen|xtensor|npy)\.hpp$/ && !border)
        offence("only programs include " name)
    } else if (name ~ /^(Eigen|unsupported)\//) {
      if (folder != "cpu" && !border) offence("Eigen belongs to cpu/ and io/eigen.hpp")
    } else if (name ~ /^(xtensor|xtl)[a-z-]*\//) {
      if (!border) offence("xtensor belongs to the borders in io/")
    } else if (name ~ /^(cuda|cublas|cudnn|nccl|thrust|cub|cute|cooperative_groups)/) {
      if (FILENAME !~ /\.cuh$/) offence("CUDA headers belong to cuda/*.cuh")
      if (name ~ /^(thrust|cub|cute|cuda|cooperative_groups)[\/.]/ && name !~ /^cuda_/)
        offence(name " is too heavy for a .cu")
    } else if (name ~ /^(nlohmann|CLI|toml\+\+|sentencepiece)/) {
      if (folder != "io" && folder != "training" && FILENAME !~ /environments\/tabular\/json\.hpp$/)
        offence(name " belongs to io/ and training/")
    } else if (name ~ /^(iostream|functional|ranges|regex|random|format)$/) {
      if (folder != "io" && folder != "training") offence("<" name "> is too heavy for a header")
    }
  }
  END { exit bad }'
