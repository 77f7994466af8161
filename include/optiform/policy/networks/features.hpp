// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Features x of a pair of state and action. A type of your own has the same two functions:
///
///   static Index inputs(int states, int actions)
///   static void write(int states, int actions, int state, int action, double* x)   x is zero
///   before
///
/// One indicator per pair, |x| = 1: what is learned about a pair says nothing about the others.
struct PairIndicators {
  static Index inputs(int states, int actions) { return static_cast<Index>(states) * actions; }
  static void write(int, int actions, int state, int action, double* x) {
    x[static_cast<Index>(state) * actions + action] = 1;
  }
};

/// An indicator of the state beside one of the action, each 1 / sqrt(2), so that |x| = 1: pairs
/// share what they have in common.
struct StateActionIndicators {
  static Index inputs(int states, int actions) { return static_cast<Index>(states) + actions; }
  static void write(int states, int, int state, int action, double* x) {
    x[state] = x[states + action] = math::sqrt(0.5);
  }
};

/// The entries of one pair's features that are not zero.
template <class T>
struct FeatureRow {
  const std::int32_t* input;
  const T* value;
  int count;
};

/// The features of all pairs of a finite process, stored sparsely.
///
/// Errors    Error for features that are not finite and for a pair whose features are all zero,
///           about which a network without biases can learn nothing.
template <class T>
class FeatureTable {
 public:
  template <class Features>
  static FeatureTable of(int states, int actions) {
    FeatureTable table;
    table.inputs_ = Features::inputs(states, actions);
    std::vector<double> x(static_cast<std::size_t>(table.inputs_));
    table.first_.push_back(0);
    for (int s = 0; s < states; ++s)
      for (int a = 0; a < actions; ++a) {
        for (double& entry : x) entry = 0;
        Features::write(states, actions, s, a, x.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
          if (!math::isfinite(x[i]))
            fail("feature ", static_cast<Index>(i), " of state ", s, ", action ", a, " is ", x[i],
                 ", expected a finite number");
          if (x[i] == 0) continue;
          table.input_.push_back(static_cast<std::int32_t>(i));
          table.value_.push_back(static_cast<T>(x[i]));
        }
        if (table.input_.size() == table.first_.back())
          fail("the features of state ", s, ", action ", a, " are all zero");
        table.first_.push_back(table.input_.size());
      }
    return table;
  }

  Index inputs() const { return inputs_; }
  Index pairs() const { return static_cast<Index>(first_.size()) - 1; }
  FeatureRow<T> row(Index pair) const {
    const std::size_t from = first_[static_cast<std::size_t>(pair)],
                      to = first_[static_cast<std::size_t>(pair) + 1];
    return {input_.data() + from, value_.data() + from, static_cast<int>(to - from)};
  }

 private:
  Index inputs_ = 0;
  std::vector<std::size_t> first_;
  std::vector<std::int32_t> input_;
  std::vector<T> value_;
};

OPTIFORM_NAMESPACE_END
