// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <optiform/core/backend.hpp>
#include <optiform/core/lanes.hpp>
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
    for (short i = 0; i <= oracle; ++i) step.bind(i, g.input(i));
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
    for (short i = 0; i < oracle; ++i) query.bind(i, g.input(i));
    g.emit(Sink::store, oracle, query.copy(rule.query));
    g.inputs = oracle;
    g.stores = static_cast<short>(oracle + 1);
    g.coefficients = static_cast<short>(2 * rule.coefficients);
    return g;
  }
};

}  // namespace detail

/// Ascent on the parameters by an update rule: the same type that makes Transformer layers and
/// trains weights.
///
/// Contract  data are taken at the rule's query point, `point()`; what is returned and evaluated is
/// the
///           iterate, `parameters()`. Streams start at zero. A restart zeroes them, which drops the
///           extrapolation of a rule with a velocity; the clock goes on.
/// Errors    Error for a schedule of a coefficient that the rule does not have, and for a missing
/// or
///           non-positive step size.
template <class R>
struct GradientStep {
  static_assert(UpdateRule<R>);
  using Rule = R;
  static constexpr bool needs_table = false;

  struct Options {
    double learning_rate = 0;        ///< step size, unless `schedules` moves it
    CoefficientSchedules schedules;  ///< by coefficient name; others have their usual values
    int inner_steps = 1;             ///< steps on the same data
  };

  template <class Policy, class Backend, class T>
  class on {
    using K = kernels<Backend>;
    using Number = lane_number<T>;
    using Step = Forward<detail::AscentStep<R>>;
    using Query = Forward<detail::AscentQuery<R>>;
    static_assert(
        Step::plan.sweeps <= 1,
        "optiform: GradientStep - the rule sums over its unit; only elementwise rules can "
        "improve policies");
    static constexpr const Recording& rule = recording<R>;
    static constexpr bool asks_at_iterate = optiform::asks_at_iterate<R>();

   public:
    /// Whether data are taken at the iterate itself.
    static constexpr bool point_is_iterate = asks_at_iterate;

    on(Policy& policy, context_t<Backend>& context, Options options)
        : policy_(policy), context_(context), options_(std::move(options)) {
      for (const auto& entry : options_.schedules.entries())
        if (!has_coefficient(rule, entry.first))
          fail("schedule of coefficient '", entry.first, "', which the rule does not have");
      for (short c = 0; c < rule.coefficients; ++c) schedule_[at(c)] = choose(rule.coefficient[c]);
      if (options_.inner_steps < 1)
        fail("inner steps = ", options_.inner_steps, ", expected at least 1");
      // Rows of one size without a rest: small parameters are one row of a few registers.
      size_ = policy.size() * lane_count<T>;
      length_ = size_ <= 1024 ? (size_ + 15) / 16 * 16 : 1024;
      padded_ = (size_ + length_ - 1) / length_ * length_;
      const Index packs = (padded_ + lane_count<T> - 1) / lane_count<T>;
      iterate_.reset(packs);
      gradient_.reset(packs);
      probability_.reset(packs);
      if constexpr (!asks_at_iterate) point_.reset(packs);
      for (auto& stream : stream_) stream.reset(packs);
      connect();
    }

    T* parameters() { return iterate_.data(); }
    const T* parameters() const { return iterate_.data(); }
    const T* point() const { return asks_at_iterate ? iterate_.data() : point_.data(); }
    Index size() const { return policy_.size(); }
    T* gradient() { return gradient_.data(); }
    const T* gradient() const { return gradient_.data(); }
    T* stream(int s) { return stream_[static_cast<std::size_t>(s)].data(); }
    /// Step size of the iteration in progress.
    double rate() const { return rate_; }

    /// To be called after parameters() were written from outside.
    void begin() {
      clock_ = 0;
      for (auto& stream : stream_)
        for (T& value : stream) value = T(0);
      set_coefficients(1);
      ask();
    }

    template <class Surrogate, class Batch, class Hooks>
    OPTIFORM_INLINE void improve(const Surrogate& surrogate, const Batch& batch, Hooks& hooks) {
      for (int inner = 0; inner < options_.inner_steps; ++inner) {
        ++clock_;
        set_coefficients(clock_);
        policy_gradient(surrogate, batch, inner == 0);
        hooks.gradient();
        K::template run_rows<Step>(context_, arguments_);
        if constexpr (requires { policy_.project(iterate_.data()); })
          policy_.project(iterate_.data());
      }
    }

    /// Forgets the streams in the lanes of the mask.
    template <class Mask>
    void restart(const Mask& mask) {
      for (auto& stream : stream_)
        for (Index i = 0; i < policy_.size(); ++i) stream[i] = select(mask, T(0), stream[i]);
      ask();
    }

   private:
    static constexpr std::size_t at(short c) { return static_cast<std::size_t>(c); }

    CoefficientSchedule choose(const CoefficientInfo& info) const {
      if (const auto* given = options_.schedules.find(info.name)) return *given;
      if (!detail::is_step_size(info)) return usual_value(info.name, info.initial);
      if (!(options_.learning_rate > 0) || !math::isfinite(options_.learning_rate))
        fail("learning rate = ", options_.learning_rate, ", expected a positive number");
      return options_.learning_rate;
    }

    void connect() {
      auto& a = arguments_;
      a.rows = padded_ / length_;
      a.length = length_;
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

    template <class Surrogate, class Batch>
    OPTIFORM_INLINE void policy_gradient(const Surrogate& surrogate, const Batch& batch,
                                         bool first) {
      const T* probability = batch.probability;
      if (!first) {
        policy_.probabilities(point(), probability_.data());
        probability = probability_.data();
      }
      const Index actions = batch.sizes.actions();
      T* const gradient = gradient_.data();
      batch.sizes.each_state([&](int s) OPTIFORM_INLINE_LAMBDA {
        T* const row = gradient + s * actions;
        state_gradient(surrogate, batch, s, probability, row);
        const T weight = batch.state_weight[s];
        batch.sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA { row[a] *= weight; });
      });
      policy_.pull_back(probability, gradient);
    }

    Policy& policy_;
    context_t<Backend>& context_;
    Options options_;
    std::array<CoefficientSchedule, Recording::max_coefficients> schedule_;
    std::int64_t clock_ = 0;
    double rate_ = 0;
    Index size_ = 0, length_ = 0, padded_ = 0;
    Buffer<T> iterate_, point_, gradient_, probability_;
    std::array<Buffer<T>, static_cast<std::size_t>(rule.streams)> stream_;
    RowArguments<Number> arguments_;
  };
};

OPTIFORM_NAMESPACE_END
