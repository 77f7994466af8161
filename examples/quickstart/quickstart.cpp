// SPDX-License-Identifier: MIT
// pretrain and generate with two rules only, so that quickstart.sh is built in a minute.
//
//   quickstart pretrain --rule tmm --shape novels --data book.txt
//   quickstart generate runs/tmm-novels --prompt "It was "
#include <cstdio>
#include <string_view>

#include "../pretrain/train.hpp"

int main(int argc, char** argv) {
  const std::string_view program = argc > 1 ? argv[1] : "";
  if (program == "pretrain" || program == "generate") return pretrain_main(argc - 1, argv + 1);
  std::fprintf(stderr, "quickstart: expected pretrain or generate as the first word\n");
  return 2;
}
