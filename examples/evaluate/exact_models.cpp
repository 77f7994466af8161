// SPDX-License-Identifier: MIT
#include "exact_models.hpp"

using optiform::fail;
using optiform::in_quotes;

ExactPointer make_exact(const std::string& rule, const ModelNumbers& numbers) {
  constexpr struct {
    std::string_view name;
    ExactPointer (*make)(const ModelNumbers&);
  } models[] = {
      {"vanilla", make_exact_vanilla},   {"heavy-ball", make_exact_heavy_ball},
      {"nesterov", make_exact_nesterov}, {"tmm", make_exact_tmm},
      {"adam", make_exact_adam},         {"adamw", make_exact_adamw},
      {"rmsprop", make_exact_rmsprop},   {"muon", make_exact_muon},
      {"ortho", make_exact_ortho},       {"soap", make_exact_soap},
      {"shampoo", make_exact_shampoo},   {"gpt2", make_exact_gpt2},
  };
  std::string known;
  for (const auto& model : models) {
    if (model.name == rule) return model.make(numbers);
    known += (known.empty() ? "" : ", ") + std::string(model.name);
  }
  fail("rule ", in_quotes(rule), " has no model in dual numbers; expected one of ", known);
}
