// SPDX-License-Identifier: MIT
#include "../pretrain/models.hpp"

// The two rules that quickstart.sh compares, in the two smallest of pretrain's shapes.
TrainerPointer quickstart_vanilla(const ModelNumbers&);
TrainerPointer quickstart_tmm(const ModelNumbers&);

std::span<const RuleEntry> compiled_rules() {
  static constexpr RuleEntry rules[] = {{"vanilla", quickstart_vanilla}, {"tmm", quickstart_tmm}};
  return rules;
}

std::span<const Preset> compiled_presets() { return std::span(presets).first(2); }
