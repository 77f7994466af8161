// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/cpu/pack.hpp>

// Time, statistics of few noisy numbers, and the limits of the machine they are held against.

namespace bench {

using optiform::Index;

/// Seconds one call takes.
template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The same without the time other programs had the core: for work of the calling thread alone.
template <class F>
double thread_seconds(F&& f) {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const double start = now();
  f();
  return now() - start;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/// Element by element, of runs that were made one after the other.
inline std::vector<double> ratios(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> r(std::min(a.size(), b.size()));
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = a[i] / b[i];
  return r;
}

struct Interval {
  double low, high;
};

/// Where 95 % of the medians of resampled values lie. Source: Efron, "Bootstrap methods", 1979.
inline Interval bootstrap_of_median(const std::vector<double>& values, int resamples = 4000) {
  optiform::Rng rng(1);
  std::vector<double> medians, sample(values.size());
  for (int i = 0; i < resamples; ++i) {
    for (double& s : sample) s = values[static_cast<std::size_t>(rng.below(values.size()))];
    medians.push_back(median(sample));
  }
  std::sort(medians.begin(), medians.end());
  const auto at = [&](double share) {
    return medians[static_cast<std::size_t>(share * static_cast<double>(resamples - 1))];
  };
  return {at(0.025), at(0.975)};
}

/// a = b + s c: what memory gives a loop with plain stores. 12 bytes per element are counted.
template <class T>
void triad(Index n, T s, const T* b, const T* c, T* a) {
  using P = optiform::Pack<T>;
  for (Index i = 0; i < n; i += P::width) fma(P(s), P::load(c + i), P::load(b + i)).store(a + i);
}

/// Multiply-adds in registers, nothing else: operations per second of this thread right now.
template <class T>
double multiply_add_rate(Index steps) {
  using P = optiform::Pack<T>;
  constexpr int chains = 12;
  P sums[chains];
  optiform::unrolled<chains>([&](int i) { sums[i] = P(static_cast<T>(i)); });
  volatile T factor = T(0.999), term = T(0.001);
  const P a(factor), b(term);
  const double time = thread_seconds([&] {
    for (Index step = 0; step < steps; ++step)
      optiform::unrolled<chains>([&](int i)
                                     OPTIFORM_INLINE_LAMBDA { sums[i] = fma(sums[i], a, b); });
  });
  P total(T(0));
  optiform::unrolled<chains>([&](int i) { total += sums[i]; });
  term = sum(total);
  return 2.0 * P::width * chains * static_cast<double>(steps) / time;
}

}  // namespace bench
