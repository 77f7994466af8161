// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <optiform/cpu/gemm.hpp>

#include "../support/random_data.hpp"

using namespace optiform;

TEST_CASE("a few rows have the bits they have among many") {
  Rng rng(7);
  constexpr Index many = 300;
  // Whole registers and rests of them; one piece of k and several.
  for (const Index n : {1, 16, 37, 200})
    for (const Index k : {1, 16, 100, 801}) {
      const auto whole = testing::normal(rng, many * k), w = testing::normal(rng, n * k);
      const std::vector<float> x(whole.begin(), whole.end()), b(w.begin(), w.end());
      const auto product = [&](Index rows, float beta) {
        std::vector<float> y(static_cast<std::size_t>(rows * n), 0.5F);
        CpuContext<ForkJoinPool> context(2);
        gemm<PackedGemm>(context, Transpose::no, Transpose::yes, rows, n, k, 0.7F, x.data(), k,
                         b.data(), k, beta, y.data(), n);
        return y;
      };
      for (const float beta : {0.F, 0.3F}) {
        const auto all = product(many, beta);
        for (const Index rows : {1, 2, 3, 4, 5, 8, 9}) {
          CAPTURE(n);
          CAPTURE(k);
          CAPTURE(rows);
          const auto few = product(rows, beta);
          CHECK(std::equal(few.begin(), few.end(), all.begin()));
        }
      }
    }
}
