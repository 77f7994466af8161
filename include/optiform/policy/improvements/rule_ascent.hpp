// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/rules/scheduled_coefficients.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

template <class R>
struct AscentStep {
  static constexpr Graph build() { return vector_step<R>(); }
};

/// The query alone, after the streams have been changed by somebody else.
template <class R>
struct AscentQuery {
  static constexpr Graph build() { return vector_query<R>(); }
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
  using Layout = VectorLayout<R>;
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
  static constexpr bool asks_at_iterate = !Layout::away;

  /// `learning_rate` is the step size unless a schedule moves it.
  RuleAscent(context_t<Backend>& context, Index parameters, double learning_rate,
             const CoefficientSchedules& schedules)
      : context_(context),
        parameters_(parameters),
        coefficients_(schedules),
        learning_rate_(learning_rate) {
    for (const auto& entry : schedules.entries())
      if (!has_coefficient(rule, entry.first))
        fail("schedule of coefficient '", entry.first, "', which the rule does not have");
    if (coefficients_.takes_rate() && (!(learning_rate > 0) || !math::isfinite(learning_rate)))
      fail("learning rate = ", learning_rate, ", expected a positive number");
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
    static_assert(!debiases<R>(),
                  "optiform: GradientStep - a restart zeroes the streams of a rule but not its "
                  "clock, by which debias corrects them; choose a rule without debias");
    static_assert(starts_at_iterate<R>(),
                  "optiform: GradientStep - a restart zeroes the streams, after which the rule "
                  "asks away from its iterate; choose a rule that then asks at x");
    for (auto& stream : stream_)
      for (Index i = 0; i < parameters_; ++i) stream[i] = select(mask, T(0), stream[i]);
    ask();
  }

 private:
  void connect(Index rows, Index length) {
    auto& a = arguments_;
    a.rows = rows;
    a.length = length;
    const auto numbers = [](Buffer<T>& b) { return reinterpret_cast<Number*>(b.data()); };
    a.input[0] = a.output[0] = numbers(iterate_);
    for (short s = 0; s < rule.streams; ++s)
      a.input[s + 1] = a.output[s + 1] = numbers(stream_[static_cast<std::size_t>(s)]);
    a.input[Layout::gradient] = numbers(gradient_);
    if constexpr (!asks_at_iterate) a.output[Layout::query] = numbers(point_);
  }

  void set_coefficients(std::int64_t t) {
    rate_ = coefficients_.set(arguments_, static_cast<double>(t), learning_rate_);
  }

  void ask() {
    if constexpr (!asks_at_iterate) {
      RowArguments<Number> view = arguments_;
      view.output[0] = arguments_.output[Layout::query];
      K::template run_rows<Query>(context_, view);
    }
  }

  context_t<Backend>& context_;
  Index parameters_;
  ScheduledCoefficients<R> coefficients_;
  double learning_rate_;
  std::int64_t clock_ = 0;
  double rate_ = 0;
  Buffer<T> iterate_, point_, gradient_;
  std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
  RowArguments<Number> arguments_;
};

OPTIFORM_NAMESPACE_END
