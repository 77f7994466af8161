// SPDX-License-Identifier: MIT
#include "exact_models.hpp"

#include <algorithm>

using optiform::fail;
using optiform::in_quotes;

namespace {

const ExactEntry& entry_of(const std::string& rule) {
  if (compiled_exact_models().empty()) fail("this program has no models in dual numbers");
  std::string known;
  for (const ExactEntry& entry : compiled_exact_models()) {
    if (entry.rule == rule) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.rule);
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
