// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A coefficient of a rule, or the step of a mirror map, as a function of the iteration t = 1, 2,
/// ...
///
///   constant(c)        c
///   ramp(c)            c t / (t + 1)
///   geometric(c, b)    c b^t, at most 1e300
///   momentum(r)        max(0, t - 2) / (t + r - 2): what iteration t carries over from t - 1
///
/// Limits    momentum(3) as mu and beta of Nesterov makes Nesterov's sequence (t - 1) / (t + 2),
/// the
///           look-ahead being counted with the iteration that uses it.
/// Source    ramp, momentum: Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024.
class CoefficientSchedule {
 public:
  constexpr CoefficientSchedule(double value = 0) : value_(value) {}
  static constexpr CoefficientSchedule constant(double value) {
    return {Shape::constant, value, 0};
  }
  static constexpr CoefficientSchedule ramp(double limit) { return {Shape::ramp, limit, 0}; }
  static constexpr CoefficientSchedule geometric(double factor, double base) {
    return {Shape::geometric, factor, base};
  }
  static constexpr CoefficientSchedule momentum(double r = 3) { return {Shape::momentum, r, 0}; }

  double operator()(double t) const {
    switch (shape_) {
      case Shape::constant:
        return value_;
      case Shape::ramp:
        return value_ * t / (t + 1);
      case Shape::geometric:
        return saturated(value_ * math::pow(base_, t));
      case Shape::momentum:
        return t < 2 ? 0 : (t - 2) / (t + value_ - 2);
    }
    return value_;
  }

 private:
  enum class Shape : unsigned char { constant, ramp, geometric, momentum };
  constexpr CoefficientSchedule(Shape shape, double value, double base)
      : shape_(shape), value_(value), base_(base) {}

  static double saturated(double value) { return value < 1e300 ? value : 1e300; }

  Shape shape_ = Shape::constant;
  double value_ = 0, base_ = 0;
};

/// Schedules by the name of the coefficient they move.
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
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

OPTIFORM_NAMESPACE_END
