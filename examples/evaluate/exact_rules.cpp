// SPDX-License-Identifier: MIT
#include "exact_rules.hpp"

std::span<const ExactEntry> compiled_exact_models() {
  static constexpr ExactEntry models[] = {
      {"vanilla", make_exact_vanilla},   {"heavy-ball", make_exact_heavy_ball},
      {"nesterov", make_exact_nesterov}, {"tmm", make_exact_tmm},
      {"adam", make_exact_adam},         {"adamw", make_exact_adamw},
      {"rmsprop", make_exact_rmsprop},   {"muon", make_exact_muon},
      {"ortho", make_exact_ortho},       {"soap", make_exact_soap},
      {"shampoo", make_exact_shampoo},   {"gpt2", make_exact_gpt2},
  };
  return models;
}
