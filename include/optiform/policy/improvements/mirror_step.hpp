// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include <optiform/core/backend.hpp>
#include <optiform/core/coefficient_schedules.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/policy/policies/direct_table.hpp>
#include <optiform/policy/policies/softmax_table.hpp>
#include <optiform/policy/table_batch.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Adds a step to log-probabilities, [actions], and normalises them: exponentiated gradient, the
/// entropic mirror descent step p' ~ p exp(step).
///
/// Limits    steps are clamped to +-1e4 and log-probabilities to -700 (float: -80), so that p is
///           positive and 1 / p finite; -infinity, a forbidden action, stays.
/// Source    Beck and Teboulle, "Mirror descent and nonlinear projected subgradient methods", 2003.
template <class T, class Sizes>
OPTIFORM_INLINE void exponentiated_step(const Sizes& sizes, const T* step, T* log_probability) {
  using math::exp;
  using math::log;
  constexpr auto never = -std::numeric_limits<lane_number<T>>::infinity();
  const T most(1e4), least(-1e4), floor(std::is_same_v<lane_number<T>, float> ? -80 : -700);
  T largest(never);
  sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA {
    const T bounded = select(step[a] > most, most, select(step[a] < least, least, step[a]));
    T& l = log_probability[a];
    l = select(l > T(never), l + bounded, l);
    largest = select(l > largest, l, largest);
  });
  T sum(0);
  sizes.each_action([&](int a)
                        OPTIFORM_INLINE_LAMBDA { sum += exp(log_probability[a] - largest); });
  const T normaliser = largest + log(sum);
  sizes.each_action([&](int a) OPTIFORM_INLINE_LAMBDA {
    T& l = log_probability[a];
    l = l - normaliser;
    l = select(l > T(never), select(l < floor, floor, l), l);
  });
}

/// Mirror maps: the negative entropy on softmax tables, half the squared norm on direct ones.
struct NegativeEntropy {
  using Policy = SoftmaxTable;
};
struct Euclidean {
  using Policy = DirectTable;
};

namespace detail {

/// Whether a table is one that the map would take for its own and is not.
template <class Map, class Policy>
inline constexpr bool table_of_another_map = false;
template <class Environment, class Backend, class T>
inline constexpr bool
    table_of_another_map<NegativeEntropy, DirectTable::on<Environment, Backend, T>> = true;
template <class Environment, class Backend, class T>
inline constexpr bool table_of_another_map<Euclidean, SoftmaxTable::on<Environment, Backend, T>> =
    true;

}  // namespace detail

/// Mirror ascent on every state's action probabilities: p' = argmax <step g, p> - D(p, p_now), `g`
/// the derivative of the surrogate with respect to the probabilities, the state's weight left out.
///
/// Contract  `inner_steps` > 1 repeats the step on the same data, with the ratio to the policy that
///           the data came from: the entropic mirror descent algorithm (EMDA) of tabular PPO-Clip.
///           States whose derivative is zero stay as they are, to the bit. Hooks that have
///           `mirror_step(state, step)` hear of every step, [actions], before it is taken.
/// Errors    Error for a step that is not positive.
/// Source    Huang, Hsieh, Ho, Wu, "PPO-Clip attains global optimality", AAAI 2024, algorithms 2
///           and 7; Xiao, "On the convergence rates of policy gradient methods", JMLR 2022.
template <class Map>
struct MirrorStep {
  static constexpr bool needs_table = true;
  static constexpr bool takes_gradient_hooks = false;

  struct Options {
    CoefficientSchedule step;  ///< eta of iteration t
    int inner_steps = 1;
  };

  template <class Policy, class Backend, class T>
  class on {
    static_assert(
        !detail::table_of_another_map<Map, Policy>,
        "optiform: MirrorStep - the negative entropy moves a SoftmaxTable and the squared "
        "norm a DirectTable; choose the map's own table");

   public:
    static constexpr bool point_is_iterate = true;

    on(Policy& policy, context_t<Backend>&, Options options)
        : policy_(policy),
          options_(options),
          iterate_(policy.size()),
          inner_(policy.size()),
          gradient_(policy.sizes().actions()) {
      if (!(options_.step(1) > 0))
        fail("step = ", options_.step(1), ", expected a positive number");
      if (options_.inner_steps < 1)
        fail("inner steps = ", options_.inner_steps, ", expected at least 1");
    }

    T* parameters() { return iterate_.data(); }
    const T* parameters() const { return iterate_.data(); }
    const T* point() const { return iterate_.data(); }
    Index size() const { return policy_.size(); }
    double rate() const { return options_.step(static_cast<double>(clock_)); }
    /// To be called after parameters() were written from outside.
    void begin() {
      clock_ = 0;
      if constexpr (entropic) {
        for (T& step : gradient_) step = T(0);
        for (int s = 0; s < policy_.sizes().states(); ++s)
          exponentiated_step(policy_.sizes(), gradient_.data(), row(s));
      }
    }

    template <class Surrogate, class Batch, class Hooks>
    void improve(const Surrogate& surrogate, const Batch& batch, Hooks& hooks) {
      ++clock_;
      const T eta(options_.step(static_cast<double>(clock_)));
      const auto& sizes = policy_.sizes();
      for (int k = 0; k < options_.inner_steps; ++k) {
        const T* probability = batch.probability;
        if (k > 0) {
          policy_.probabilities(iterate_.data(), inner_.data());
          probability = inner_.data();
        }
        for (int s = 0; s < sizes.states(); ++s) {
          state_gradient(surrogate, batch, s, probability, gradient_.data());
          bool moves = false;
          for (T& g : gradient_) {
            moves = moves || any(g != T(0));
            g = eta * g;
          }
          if (!moves) continue;
          if constexpr (requires { hooks.mirror_step(s, gradient_.data()); })
            hooks.mirror_step(s, gradient_.data());
          if constexpr (entropic) {
            exponentiated_step(sizes, gradient_.data(), row(s));
          } else {
            for (int a = 0; a < sizes.actions(); ++a) row(s)[a] += gradient_[a];
          }
        }
        if constexpr (!entropic) policy_.project(iterate_.data());
      }
    }

   private:
    static constexpr bool entropic = std::is_same_v<Map, NegativeEntropy>;

    T* row(int s) { return iterate_.data() + static_cast<Index>(s) * policy_.sizes().actions(); }

    Policy& policy_;
    Options options_;
    std::int64_t clock_ = 0;
    Buffer<T> iterate_, inner_, gradient_;
  };
};

OPTIFORM_NAMESPACE_END
