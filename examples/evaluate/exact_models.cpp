// SPDX-License-Identifier: MIT
#include "exact_models.hpp"

#include <algorithm>

using optiform::fail;
using optiform::in_quotes;

namespace {

struct Entry {
  std::string_view name;
  ExactPointer (*make)(const ModelNumbers&);
};

constexpr Entry models[] = {
    {"vanilla", make_exact_vanilla},   {"heavy-ball", make_exact_heavy_ball},
    {"nesterov", make_exact_nesterov}, {"tmm", make_exact_tmm},
    {"adam", make_exact_adam},         {"adamw", make_exact_adamw},
    {"rmsprop", make_exact_rmsprop},   {"muon", make_exact_muon},
    {"ortho", make_exact_ortho},       {"soap", make_exact_soap},
    {"shampoo", make_exact_shampoo},   {"gpt2", make_exact_gpt2},
};

const Entry& entry_of(const std::string& rule) {
  std::string known;
  for (const Entry& entry : models) {
    if (entry.name == rule) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail("rule ", in_quotes(rule), " has no model in dual numbers; expected one of ", known);
}

}  // namespace

void require_exact(const std::string& rule, const optiform::ModelShape& shape) {
  entry_of(rule);
  if (std::none_of(std::begin(presets), std::end(presets),
                   [&](const Preset& preset) { return preset.shape == shape; }))
    fail("a shape of width ", shape.width, " and ", shape.heads,
         " heads has no model in dual numbers");
}

ExactPointer make_exact(const std::string& rule, const ModelNumbers& numbers) {
  return entry_of(rule).make(numbers);
}
