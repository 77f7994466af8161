// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The given value of a coefficient, or the rule's own.
/// See  CoefficientValues
template <class Values>
double initial_value(const CoefficientInfo& c, const Values& given) {
  const double* found = given.find(c.name);
  return found == nullptr ? c.initial : *found;
}

/// Whether a rule has a coefficient of that name which is not pinned.
inline bool has_coefficient(const Recording& rule, std::string_view name) {
  for (short c = 0; c < rule.coefficients; ++c)
    if (rule.coefficient[c].name == name && !rule.coefficient[c].pinned) return true;
  return false;
}

OPTIFORM_NAMESPACE_END
