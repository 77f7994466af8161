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

/// The coefficient of that name which is not pinned; null if the rule has none.
inline const CoefficientInfo* find_coefficient(const Recording& rule, std::string_view name) {
  for (short c = 0; c < rule.coefficients; ++c)
    if (rule.coefficient[c].name == name && !rule.coefficient[c].pinned)
      return &rule.coefficient[c];
  return nullptr;
}
inline bool has_coefficient(const Recording& rule, std::string_view name) {
  return find_coefficient(rule, name) != nullptr;
}
/// Whether a value of that name means something in depth, where a rate is 1.
inline bool takes_value(const Recording& rule, std::string_view name) {
  const CoefficientInfo* const found = find_coefficient(rule, name);
  return found != nullptr && found->kind != CoefficientKind::rate;
}

/// The usual value of a coefficient where weights or policies are trained, or the given one; a
/// rule's own initial values speak of depth. Step size `gamma` and decay `lambda` come from a
/// schedule.
inline double usual_value(std::string_view name, double otherwise) {
  struct Entry {
    std::string_view name;
    double value;
  };
  constexpr Entry usual[] = {
      {"beta", 0.9}, {"beta1", 0.9}, {"beta2", 0.95}, {"mu", 0.9}, {"nu", 1}};
  for (const Entry& entry : usual)
    if (entry.name == name) return entry.value;
  return otherwise;
}

OPTIFORM_NAMESPACE_END
