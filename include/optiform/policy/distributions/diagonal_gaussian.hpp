// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/policy/distributions/categorical.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Independent normal distributions: the network gives the means, the logarithms of the deviations
/// are parameters of their own.
///
/// Shapes    row: means [Size]; shared: logarithms of the deviations [Size].
/// Source    Huang et al., "The 37 implementation details of proximal policy optimization", 2022,
///           details for continuous action domains.
template <int Size>
struct DiagonalGaussian {
  static constexpr int outputs = Size, shared_parameters = Size;

  template <class T>
  static void prepare(T*) {}
  template <class T>
  static void sample(Rng& rng, const T* row, const T* shared, T* action) {
    using math::exp;
    for (int i = 0; i < Size; ++i)
      action[i] = row[i] + exp(shared[i]) * static_cast<T>(rng.normal());
  }
  template <class T>
  static T log_probability(const T* row, const T* shared, const T* action) {
    T sum(0);
    for (int i = 0; i < Size; ++i) {
      const T z = standardised(row, shared, action, i);
      sum -= T(0.5) * z * z + shared[i] + T(half_log_two_pi);
    }
    return sum;
  }
  template <class T>
  static void add_log_probability(T factor, const T* row, const T* shared, const T* action,
                                  T* gradient, T* shared_gradient) {
    using math::exp;
    for (int i = 0; i < Size; ++i) {
      const T z = standardised(row, shared, action, i);
      gradient[i] += factor * z * exp(-shared[i]);
      shared_gradient[i] += factor * (z * z - T(1));
    }
  }
  template <class T>
  static T entropy(const T*, const T* shared) {
    T sum(0);
    for (int i = 0; i < Size; ++i) sum += shared[i] + T(0.5 + half_log_two_pi);
    return sum;
  }
  template <class T>
  static void add_entropy(T factor, const T*, const T*, T*, T* shared_gradient) {
    for (int i = 0; i < Size; ++i) shared_gradient[i] += factor;
  }
  template <class T>
  static void initialise(T* shared, double log_deviation) {
    for (int i = 0; i < Size; ++i) shared[i] = static_cast<T>(log_deviation);
  }

 private:
  static constexpr double half_log_two_pi = 0.91893853320467274178;

  template <class T>
  static T standardised(const T* row, const T* shared, const T* action, int i) {
    using math::exp;
    return (action[i] - row[i]) * exp(-shared[i]);
  }
};

template <int Size>
struct distribution_of<Continuous<Size>> {
  using type = DiagonalGaussian<Size>;
};

OPTIFORM_NAMESPACE_END
