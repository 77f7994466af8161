// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <type_traits>

#include <optiform/core/coefficient_schedule.hpp>
#include <optiform/core/error.hpp>
#include <optiform/rules/coefficients.hpp>
#include <optiform/rules/program.hpp>
#include <optiform/rules/vector_step.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Whether a coefficient is the step size: a `rate`, or named gamma.
constexpr bool is_step_size(const CoefficientInfo& c) {
  return c.kind == CoefficientKind::rate || std::string_view(c.name) == "gamma";
}

/// Whether a coefficient is the decay: it is named lambda.
constexpr bool is_decay(const CoefficientInfo& c) { return std::string_view(c.name) == "lambda"; }

/// Whether a driver's learning rate does anything to the steps of a rule.
template <class R>
constexpr bool takes_step_size() {
  constexpr const Recording& rule = recording<R>;
  for (short c = 0; c < rule.coefficients; ++c)
    if (!rule.coefficient[c].pinned && is_step_size(rule.coefficient[c])) return true;
  return false;
}

/// The coefficients of a rule where vectors are trained: functions of the clock t = 1, 2, ..., but
/// for the step size and the decay that the driver gives at every step (no decay: 0).
///
/// A coefficient takes the schedule given by its name; else what the rule's own
/// `static void usual(auto& schedules)` adds to those given; else, of the step size, the driver's
/// learning rate, of one named lambda its decay; else `usual_value`.
///
/// Errors  a schedule that leaves its coefficient's range: one declared `unit` outside [0, 1], one
///         declared `positive` that is negative or not a number.
template <class R>
class ScheduledCoefficients {
 public:
  template <class Schedules>
  explicit ScheduledCoefficients(Schedules given) {
    if constexpr (requires { R::usual(given); }) R::usual(given);
    for (short c = 0; c < recording<R>.coefficients; ++c) {
      const CoefficientInfo& info = recording<R>.coefficient[c];
      if (const CoefficientSchedule* schedule = given.find(info.name))
        schedule_[c] = *schedule;
      else if (is_step_size(info))
        source_[c] = Source::rate;
      else if (is_decay(info))
        source_[c] = Source::decay;
      else
        schedule_[c] = usual_value(info.name, info.initial);
      if (source_[c] == Source::schedule && schedule_[c].is_constant())
        require_range(info, schedule_[c](1));
    }
  }

  /// Whether the driver's learning rate decides anything.
  bool takes_rate() const {
    for (short c = 0; c < recording<R>.coefficients; ++c)
      if (source_[c] == Source::rate) return true;
    return false;
  }

  /// Writes the clock, the coefficients of step t and those of the query after it, where step size
  /// and decay are still those of step t. Returns the step size.
  template <class T>
  double set(RowArguments<T>& a, double t, double rate, double decay = 0) const {
    double step_size = 0;
    a.clock = t;
    for (short c = 0; c < recording<R>.coefficients; ++c) {
      const double now = value(c, t, rate, decay);
      a.coefficient[c] = wide_t<T>(now);
      if (is_step_size(recording<R>.coefficient[c])) step_size = now;
      if constexpr (VectorLayout<R>::away)
        a.coefficient[recording<R>.coefficients + c] = wide_t<T>(value(c, t + 1, rate, decay));
    }
    return step_size;
  }

 private:
  enum class Source : unsigned char { schedule, rate, decay };

  double value(short c, double t, double rate, double decay) const {
    if (source_[c] != Source::schedule) return source_[c] == Source::rate ? rate : decay;
    const double scheduled = schedule_[c](t);
    if (!schedule_[c].is_constant()) require_range(recording<R>.coefficient[c], scheduled);
    return scheduled;
  }

  static void require_range(const CoefficientInfo& c, double value) {
    if (c.kind == CoefficientKind::unit && !(value >= 0 && value <= 1))
      fail("coefficient '", c.name, "' = ", value, ", expected 0 to 1");
    if (c.kind == CoefficientKind::positive && !(value >= 0))
      fail("coefficient '", c.name, "' = ", value, ", expected 0 or more");
  }

  CoefficientSchedule schedule_[Recording::max_coefficients];
  Source source_[Recording::max_coefficients]{};
};

OPTIFORM_NAMESPACE_END
