// SPDX-License-Identifier: MIT
#include "models.hpp"

std::span<const Preset> compiled_presets() { return presets; }
std::span<const RuleEntry> compiled_rules() { return rules; }
