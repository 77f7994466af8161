// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <optiform/core/config.hpp>
#include <optiform/core/random.hpp>

namespace optiform::testing {

/// n draws from N(0, deviation^2).
template <class T = double>
std::vector<T> normal(Rng& rng, Index n, double deviation = 1) {
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& value : values) value = static_cast<T>(deviation * rng.normal());
  return values;
}

/// n uniform draws from low..high.
template <class T = double>
std::vector<T> uniform(Rng& rng, Index n, double low, double high) {
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& value : values) value = static_cast<T>(rng.uniform(low, high));
  return values;
}

/// n token ids from 0..vocabulary-1.
inline std::vector<std::int32_t> ids(Rng& rng, Index n, Index vocabulary) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(n));
  for (auto& value : values)
    value = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocabulary)));
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class To, class From>
std::vector<To> cast(const std::vector<From>& values) {
  std::vector<To> out;
  out.reserve(values.size());
  for (const From& value : values) out.push_back(static_cast<To>(value));
  return out;
}

/// ||a - b|| / ||b||; zero against zero is zero, anything that is not finite is infinite.
template <class A, class B>
double relative_error(const std::vector<A>& a, const std::vector<B>& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    error += (x - y) * (x - y);
    norm += y * y;
  }
  if (!std::isfinite(error) || !std::isfinite(norm)) return HUGE_VAL;
  if (error == 0) return 0;
  return norm == 0 ? HUGE_VAL : std::sqrt(error / norm);
}

/// The inner product: turns any output into a scalar to differentiate.
template <class A, class B>
double inner(const std::vector<A>& a, const std::vector<B>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace optiform::testing
