// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <optiform/core/memory.hpp>
#include <optiform/cpu/gemm.hpp>

#include "../support/random_data.hpp"

namespace gemm_testing {

using namespace optiform;

// A product with its operands, extra room in every row, and a C filled with what must survive.
template <class T>
struct Problem {
  GemmArguments<T> g;
  std::vector<T> a, b, c;
  Index rows_a, rows_b;

  Problem(Transpose ta, Transpose tb, Index m, Index n, Index k, T alpha, T beta, Index extra,
          std::uint64_t seed) {
    const bool flip_a = ta == Transpose::yes, flip_b = tb == Transpose::yes;
    g = {ta,
         tb,
         m,
         n,
         k,
         alpha,
         nullptr,
         (flip_a ? m : k) + extra,
         nullptr,
         (flip_b ? k : n) + 2 * extra,
         beta,
         nullptr,
         n + 3 * extra};
    rows_a = flip_a ? k : m;
    rows_b = flip_b ? n : k;
    fill(a, rows_a * g.lda, seed);
    fill(b, rows_b * g.ldb, seed + 1);
    fill(c, m * g.ldc, seed + 2);
    g.a = a.data();
    g.b = b.data();
    g.c = c.data();
  }

  static void fill(std::vector<T>& v, Index size, std::uint64_t seed) {
    v.resize(static_cast<std::size_t>(size));
    std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (T& x : v) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      x = static_cast<T>(static_cast<double>(state >> 11) * 0x1p-52 - 1);
    }
  }

  double at_a(Index i, Index k) const {
    return static_cast<double>(g.a[g.transpose_a == Transpose::no ? i * g.lda + k : k * g.lda + i]);
  }
  double at_b(Index k, Index j) const {
    return static_cast<double>(g.b[g.transpose_b == Transpose::no ? k * g.ldb + j : j * g.ldb + k]);
  }

  // The largest error of `result` in units of its rounding bound, and whether padding survived.
  void check(const std::vector<T>& result) const {
    double worst = 0;
    bool padding_intact = true;
    for (Index i = 0; i < g.m; ++i)
      for (Index j = 0; j < g.ldc; ++j) {
        const auto at = static_cast<std::size_t>(i * g.ldc + j);
        if (j >= g.n) {
          padding_intact = padding_intact && result[at] == c[at];
          continue;
        }
        double sum = 0, size = 0;
        for (Index k = 0; k < g.k; ++k) {
          const double product = at_a(i, k) * at_b(k, j);
          sum += product;
          size += std::abs(product);
        }
        double expected = static_cast<double>(g.alpha) * sum;
        double bound = std::abs(static_cast<double>(g.alpha)) * size * static_cast<double>(g.k + 2);
        if (g.beta != T(0)) {
          const double old = static_cast<double>(g.beta) * static_cast<double>(c[at]);
          expected += old;
          bound += 4 * std::abs(old);
        }
        bound *= static_cast<double>(std::numeric_limits<T>::epsilon());
        const double error = std::abs(static_cast<double>(result[at]) - expected);
        if (!(error <= bound)) worst = std::max(worst, bound > 0 ? error / bound : 1e300);
        if (std::isnan(error)) worst = 1e300;
      }
    CHECK(worst == 0);
    CHECK(padding_intact);
  }
};

template <class Gemm, class T>
std::vector<T> product(const Problem<T>& p, int threads) {
  std::vector<T> result = p.c;
  GemmArguments<T> g = p.g;
  g.c = result.data();
  CpuContext<ForkJoinPool> context(threads);
  gemm<Gemm>(context, g.transpose_a, g.transpose_b, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb,
             g.beta, g.c, g.ldc);
  return result;
}

template <class Gemm, class T>
std::vector<T> serial_product(const Problem<T>& p) {
  std::vector<T> result = p.c;
  GemmArguments<T> g = p.g;
  g.c = result.data();
  Buffer<std::byte> scratch(gemm_scratch_bytes<Gemm>(g));
  gemm_serial<Gemm>(scratch.data(), g);
  return result;
}

using testing::same_bits;

inline constexpr Transpose flips[] = {Transpose::no, Transpose::yes};

template <class Gemm, class T>
void check_sizes() {
  const Index sizes[][3] = {{1, 1, 1},   {1, 17, 5},  {13, 1, 7},   {7, 11, 1},   {2, 16, 3},
                            {3, 49, 31}, {8, 48, 16}, {12, 64, 64}, {31, 97, 53}, {65, 33, 130}};
  std::uint64_t seed = 1;
  for (const auto& s : sizes)
    for (const Transpose ta : flips)
      for (const Transpose tb : flips) {
        const Problem<T> p(ta, tb, s[0], s[1], s[2], T(0.75), T(-1.5), seed % 3, seed);
        CAPTURE(s[0]);
        CAPTURE(s[1]);
        CAPTURE(s[2]);
        p.check(product<Gemm>(p, 1));
        ++seed;
      }
}

template <class Gemm, class T>
void check_factors() {
  for (const T alpha : {T(0), T(1), T(-2)})
    for (const T beta : {T(0), T(1), T(3)})
      for (const Index k : {Index(0), Index(1), Index(20)}) {
        const Problem<T> p(Transpose::no, Transpose::yes, 19, 21, k, alpha, beta, 1, 5);
        p.check(product<Gemm>(p, 2));
      }
  for (const Index m : {Index(0), Index(4)}) {
    const Problem<T> p(Transpose::no, Transpose::no, m, 4 - m, 3, T(1), T(0), 0, 5);
    CHECK(same_bits(product<Gemm>(p, 2), p.c));
  }
}

template <class Gemm, class T>
void check_unread() {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for (const Index m : {Index(3), Index(100)}) {
    Problem<T> p(Transpose::no, Transpose::no, m, 101, 103, T(1), T(0), 0, 9);
    for (T& x : p.c) x = nan;
    p.check(product<Gemm>(p, 2));
    p.g.alpha = 0;
    for (T& x : p.a) x = nan;
    for (const T x : product<Gemm>(p, 2)) CHECK_MESSAGE(x == T(0), "m = ", m);
  }
}

template <class Gemm, class T>
void check_threads() {
  const Index sizes[][3] = {{100, 600, 90}, {257, 129, 500}, {1, 3000, 300}, {2000, 3, 100}};
  for (const auto& s : sizes)
    for (const Transpose t : flips) {
      const Problem<T> p(t, t, s[0], s[1], s[2], T(0.3), T(0.7), 1, 21);
      const auto one = product<Gemm>(p, 1);
      CHECK(same_bits(one, product<Gemm>(p, 2)));
      CHECK(same_bits(one, product<Gemm>(p, 3)));
    }
}

}  // namespace gemm_testing
