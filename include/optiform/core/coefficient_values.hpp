// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Run-time values for coefficients, by name: where learned ones start, what constants are.
///
///   CoefficientValues{{"beta1", 0.9}, {"beta2", 0.95}}
class CoefficientValues {
 public:
  using Entry = std::pair<std::string, double>;

  CoefficientValues() = default;
  CoefficientValues(std::initializer_list<Entry> entries) : entries_(entries) {}

  /// The value of that name, or null.
  const double* find(std::string_view name) const {
    for (const Entry& entry : entries_)
      if (entry.first == name) return &entry.second;
    return nullptr;
  }
  /// Sets or replaces a value.
  void set(std::string_view name, double value) {
    for (Entry& entry : entries_) {
      if (entry.first != name) continue;
      entry.second = value;
      return;
    }
    entries_.emplace_back(name, value);
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

OPTIFORM_NAMESPACE_END
