// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <optiform/core/backend.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/coefficient_schedule.hpp>
#include <optiform/rules/coefficients.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Whether a coefficient is the step size: a `rate`, or named gamma.
constexpr bool is_step_size(const CoefficientInfo& c) {
  return c.kind == CoefficientKind::rate || std::string_view(c.name) == "gamma";
}

/// The step of a rule and the next iteration's query as one pass over the parameters. `normalise`
/// is the identity, `debias` has a clock.
///
/// Buffers   inputs: iterate, streams, gradient; outputs: iterate, streams (in place), query.
///           Coefficients: the step's, then the query's.
template <class R>
struct AscentStep {
  static constexpr const Recording& rule = recording<R>;
  static constexpr Graph build() {
    Graph g;
    Splice step(g, rule, Reading{.norm = Norm::none, .clock = true});
    const auto oracle = static_cast<short>(rule.streams + 1);
    short next[Recording::max_streams + 1]{};
    step.bind_inputs(static_cast<short>(oracle + 1));
    for (short i = 0; i < oracle; ++i) {
      next[i] = step.copy(rule.now[i]);
      g.emit(Sink::store, i, next[i], i);
    }
    if (!asks_at_iterate<R>()) {
      Splice query(g, rule,
                   Reading{.norm = Norm::none, .clock = true, .coefficient = rule.coefficients});
      for (short i = 0; i < oracle; ++i) query.bind(i, next[i]);
      g.emit(Sink::store, oracle, query.copy(rule.query));
    }
    g.inputs = static_cast<short>(oracle + 1);
    g.stores = static_cast<short>(oracle + 1);
    g.coefficients = static_cast<short>(2 * rule.coefficients);
    return g;
  }
};

/// The query alone, after the streams have been changed by somebody else.
template <class R>
struct AscentQuery {
  static constexpr const Recording& rule = recording<R>;
  static constexpr Graph build() {
    Graph g;
    Splice query(g, rule,
                 Reading{.norm = Norm::none, .clock = true, .coefficient = rule.coefficients});
    const auto oracle = static_cast<short>(rule.streams + 1);
    query.bind_inputs(oracle);
    g.emit(Sink::store, oracle, query.copy(rule.query));
    g.inputs = oracle;
    g.stores = static_cast<short>(oracle + 1);
    g.coefficients = static_cast<short>(2 * rule.coefficients);
    return g;
  }
};

}  // namespace detail

/// A flat vector of parameters that climbs by an update rule: the iterate, the rule's streams and
/// coefficients, and the point where the next gradient is wanted. Policies and value networks are
/// trained by it.
///
/// Contract  streams start at zero. For each step: `tick`, write `gradient()`, `advance`. Elements
///           between size() and the end of the buffers are zero and stay without effect.
/// Errors    Error for a schedule of a coefficient that the rule does not have, and for a missing
///           or non-positive step size.
template <class R, class Backend, class T>
class RuleAscent {
  static_assert(UpdateRule<R>);
  using K = kernels<Backend>;
  using Number = lane_number<T>;
  using Step = Forward<detail::AscentStep<R>>;
  using Query = Forward<detail::AscentQuery<R>>;
  static_assert(
      !Step::graph.is_staged(),
      "optiform: GradientStep - the rule takes row operations, which are for the layers of "
      "a network; only elementwise rules can improve policies");
  static_assert(Step::plan.sweeps <= 1,
                "optiform: GradientStep - the rule sums over its unit; only elementwise rules can "
                "improve policies");
  static constexpr const Recording& rule = recording<R>;

 public:
  static constexpr bool asks_at_iterate = optiform::asks_at_iterate<R>();

  /// `learning_rate` is the step size unless a schedule moves it.
  RuleAscent(context_t<Backend>& context, Index parameters, double learning_rate,
             const CoefficientSchedules& schedules)
      : context_(context), parameters_(parameters) {
    for (const auto& entry : schedules.entries())
      if (!has_coefficient(rule, entry.first))
        fail("schedule of coefficient '", entry.first, "', which the rule does not have");
    for (short c = 0; c < rule.coefficients; ++c)
      schedule_[at(c)] = choose(rule.coefficient[c], learning_rate, schedules);
    // Rows of one size without a rest: small parameters are one row of a few registers.
    const Index size = parameters * lane_count<T>;
    const Index length = size <= 1024 ? (size + 15) / 16 * 16 : 1024;
    const Index padded = (size + length - 1) / length * length;
    const Index packs = (padded + lane_count<T> - 1) / lane_count<T>;
    iterate_.reset(packs);
    gradient_.reset(packs);
    if constexpr (!asks_at_iterate) point_.reset(packs);
    for (auto& stream : stream_) stream.reset(packs);
    connect(padded / length, length);
  }

  T* parameters() { return iterate_.data(); }
  const T* parameters() const { return iterate_.data(); }
  const T* point() const { return asks_at_iterate ? iterate_.data() : point_.data(); }
  Index size() const { return parameters_; }
  T* gradient() { return gradient_.data(); }
  const T* gradient() const { return gradient_.data(); }
  T* stream(int s) { return stream_[static_cast<std::size_t>(s)].data(); }
  /// Step size of the step in progress.
  double rate() const { return rate_; }

  /// To be called after parameters() were written from outside.
  void begin() {
    clock_ = 0;
    for (auto& stream : stream_)
      for (T& value : stream) value = T(0);
    set_coefficients(1);
    ask();
  }
  /// Begins a step.
  OPTIFORM_INLINE void tick() {
    ++clock_;
    set_coefficients(clock_);
  }
  /// Moves along gradient().
  OPTIFORM_INLINE void advance() { K::template run_rows<Step>(context_, arguments_); }

  /// Forgets the streams in the lanes of the mask.
  template <class Mask>
  void restart(const Mask& mask) {
    for (auto& stream : stream_)
      for (Index i = 0; i < parameters_; ++i) stream[i] = select(mask, T(0), stream[i]);
    ask();
  }

 private:
  static constexpr std::size_t at(short c) { return static_cast<std::size_t>(c); }

  static CoefficientSchedule choose(const CoefficientInfo& info, double learning_rate,
                                    const CoefficientSchedules& schedules) {
    if (const auto* given = schedules.find(info.name)) return *given;
    if (!detail::is_step_size(info)) return usual_value(info.name, info.initial);
    if (!(learning_rate > 0) || !math::isfinite(learning_rate))
      fail("learning rate = ", learning_rate, ", expected a positive number");
    return learning_rate;
  }

  void connect(Index rows, Index length) {
    auto& a = arguments_;
    a.rows = rows;
    a.length = length;
    const auto numbers = [](Buffer<T>& b) { return reinterpret_cast<Number*>(b.data()); };
    a.input[0] = a.output[0] = numbers(iterate_);
    for (short s = 0; s < rule.streams; ++s)
      a.input[s + 1] = a.output[s + 1] = numbers(stream_[at(s)]);
    a.input[rule.streams + 1] = numbers(gradient_);
    a.output[rule.streams + 1] = numbers(point_);
  }

  /// The step's coefficients of iteration t and the query's of t + 1.
  void set_coefficients(std::int64_t t) {
    arguments_.clock = static_cast<double>(t);
    for (short c = 0; c < rule.coefficients; ++c) {
      const double now = schedule_[at(c)](static_cast<double>(t));
      arguments_.coefficient[c] = wide_t<Number>(now);
      if (detail::is_step_size(rule.coefficient[c])) rate_ = now;
      if constexpr (!asks_at_iterate)
        arguments_.coefficient[rule.coefficients + c] =
            wide_t<Number>(schedule_[at(c)](static_cast<double>(t + 1)));
    }
  }

  void ask() {
    if constexpr (!asks_at_iterate) K::template run_rows<Query>(context_, arguments_);
  }

  context_t<Backend>& context_;
  Index parameters_;
  std::array<CoefficientSchedule, Recording::max_coefficients> schedule_;
  std::int64_t clock_ = 0;
  double rate_ = 0;
  Buffer<T> iterate_, point_, gradient_;
  std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
  RowArguments<Number> arguments_;
};

OPTIFORM_NAMESPACE_END
