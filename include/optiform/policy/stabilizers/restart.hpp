// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/core/unrolled.hpp>
#include <optiform/policy/concepts.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Counts restarts, over all lanes and by lane.
class RestartCount {
 public:
  std::int64_t restarts() const { return total_; }
  std::int64_t restarts(int lane) const {
    const auto at = static_cast<std::size_t>(lane);
    return at < by_lane_.size() ? by_lane_[at] : 0;
  }

 protected:
  template <class State, class Mask>
  void restart(State& state, const Mask& mask) {
    constexpr int lanes = lane_count<typename State::Scalar>;
    by_lane_.resize(static_cast<std::size_t>(lanes));
    for (int i = 0; i < lanes; ++i) {
      if (!holds(mask, i)) continue;
      ++by_lane_[static_cast<std::size_t>(i)];
      ++total_;
    }
    state.restart(mask);
  }

 private:
  std::int64_t total_ = 0;
  std::vector<std::int64_t> by_lane_;
};

}  // namespace detail

/// Monotonicity restart: the extrapolation is dropped where it would not increase the objective,
/// V(query) + tolerance < V(iterate).
///
/// Contract  the evaluation at the query is the next iteration's own, so that a test costs one
/// value. Limits    the tolerance keeps rounding from restarting: below a gap of 1e-12 use
/// GapRestart. Source    Chen, Huang, Lee, Hsieh, "Accelerated policy gradient", ICML 2024,
/// algorithm 2.
class ValueRestart : public detail::RestartCount {
 public:
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = objective_value;

  double tolerance = 1e-12;

  template <class State>
  OPTIFORM_INLINE void after_update(State& state) {
    using T = typename State::Scalar;
    const auto falls = state.query_objective() + T(tolerance) < state.objective();
    if (any(falls)) this->restart(state, falls);
  }
};

/// The same test on the performance difference, which stays accurate however small it is.
class GapRestart : public detail::RestartCount {
 public:
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = objective_value | optimality_gap;

  template <class State>
  void after_update(State& state) {
    const auto falls = state.query_gap() > state.gap();
    if (any(falls)) this->restart(state, falls);
  }
};

/// Restarts where the last gradient and the last movement disagree: <grad V(query), x' - x> < 0.
///
/// Limits    costs no evaluation.
/// Source    O'Donoghue and Candes, "Adaptive restart for accelerated gradient schemes", 2015.
class GradientRestart : public detail::RestartCount {
 public:
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;

  template <class State>
  void gradient(State& state) {
    // The step that follows moves the iterate from here.
    using T = typename State::Scalar;
    auto& improvement = state.improvement();
    const Index bytes = improvement.size() * static_cast<Index>(sizeof(T));
    if (before_.size() != bytes) before_.reset(bytes);
    T* const before = reinterpret_cast<T*>(before_.data());
    for (Index i = 0; i < improvement.size(); ++i) before[i] = improvement.parameters()[i];
  }
  template <class State>
  void after_update(State& state) {
    using T = typename State::Scalar;
    auto& improvement = state.improvement();
    const T* const before = reinterpret_cast<const T*>(before_.data());
    T along(0);
    for (Index i = 0; i < improvement.size(); ++i) {
      const T moved = improvement.parameters()[i] - before[i];
      along += select(moved == moved, improvement.gradient()[i] * moved, T(0));  // -inf - -inf
    }
    const auto against = along < T(0);
    if (any(against)) this->restart(state, against);
  }

 private:
  Buffer<std::byte> before_;
};

OPTIFORM_NAMESPACE_END
