// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/coefficient_schedule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Schedules by the name of the coefficient they move; a number is a constant one.
///
///   CoefficientSchedules{{"gamma", CoefficientSchedule::ramp(0.2)}, {"beta", 0.5}}
class CoefficientSchedules {
 public:
  using Entry = std::pair<std::string, CoefficientSchedule>;

  CoefficientSchedules() = default;
  CoefficientSchedules(std::initializer_list<Entry> entries) : entries_(entries) {}

  const CoefficientSchedule* find(std::string_view name) const {
    for (const Entry& entry : entries_)
      if (entry.first == name) return &entry.second;
    return nullptr;
  }
  void set(std::string_view name, CoefficientSchedule schedule) {
    for (Entry& entry : entries_) {
      if (entry.first != name) continue;
      entry.second = schedule;
      return;
    }
    entries_.emplace_back(name, schedule);
  }
  /// The schedule of that name, which becomes `usual` if there is none.
  CoefficientSchedule value_or_set(std::string_view name, CoefficientSchedule usual) {
    if (find(name) == nullptr) set(name, usual);
    return *find(name);
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

OPTIFORM_NAMESPACE_END
