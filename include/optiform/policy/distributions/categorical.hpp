// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/action_space.hpp>
#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/random.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The distribution over an action space that a network's output describes.
template <class ActionSpace>
struct distribution_of;

/// pi(a) proportional to exp(z_a), z the network's output.
///
/// Shapes    row: [Actions], z before `prepare` and log pi after it; gradients are with respect to
///           z. `shared` are parameters that do not depend on the observation: none here.
template <int Actions>
struct Categorical {
  static constexpr int outputs = Actions, shared_parameters = 0;

  template <class T>
  static void prepare(T* row) {
    using math::exp;
    using math::log;
    T largest = row[0];
    for (int a = 1; a < Actions; ++a) largest = select(row[a] > largest, row[a], largest);
    T sum(0);
    for (int a = 0; a < Actions; ++a) sum += exp(row[a] - largest);
    const T normaliser = largest + log(sum);
    for (int a = 0; a < Actions; ++a) row[a] -= normaliser;
  }
  template <class T>
  static void sample(Rng& rng, const T* row, const T*, int* action) {
    using math::exp;
    double left = rng.uniform();
    for (int a = 0; a < Actions; ++a) {
      const double probability = static_cast<double>(exp(row[a]));
      if (!(probability > 0)) continue;
      *action = a;  // the last possible one, should rounding leave something
      left -= probability;
      if (left < 0) return;
    }
  }
  template <class T>
  static T log_probability(const T* row, const T*, const int* action) {
    return row[*action];
  }
  /// gradient += factor d log pi(action)
  template <class T>
  static void add_log_probability(T factor, const T* row, const T*, const int* action, T* gradient,
                                  T*) {
    using math::exp;
    for (int a = 0; a < Actions; ++a)
      gradient[a] += factor * (T(a == *action ? 1 : 0) - exp(row[a]));
  }
  template <class T>
  static T entropy(const T* row, const T*) {
    using math::exp;
    T sum(0);
    for (int a = 0; a < Actions; ++a) {
      const T p = exp(row[a]);
      sum -= select(p > T(0), p * row[a], T(0));
    }
    return sum;
  }
  /// gradient += factor d entropy
  template <class T>
  static void add_entropy(T factor, const T* row, const T* shared, T* gradient, T*) {
    using math::exp;
    const T mean = entropy(row, shared);
    for (int a = 0; a < Actions; ++a) {
      const T p = exp(row[a]);
      gradient[a] -= factor * select(p > T(0), p * (row[a] + mean), T(0));
    }
  }
  template <class T>
  static void initialise(T*, double) {}
};

template <int Actions>
struct distribution_of<Discrete<Actions>> {
  using type = Categorical<Actions>;
};

OPTIFORM_NAMESPACE_END
