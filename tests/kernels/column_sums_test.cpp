// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <optiform/cpu/kernels.hpp>
#include <optiform/cpu/reference.hpp>

#include "../support/random_data.hpp"

using namespace optiform;
using testing::cast;
using testing::relative_error;

TEST_CASE_TEMPLATE("column sums: the CPU agrees with the reference at any width", T, float,
                   double) {
  for (const Index columns : {1, 7, 16, 33, 127, 128, 129, 300})
    for (const Index rows : {1, 2, 65}) {
      CAPTURE(columns);
      CAPTURE(rows);
      Rng rng(3);
      const auto x = testing::normal<T>(rng, rows * columns);
      const auto before = testing::normal<T>(rng, columns);
      auto exact = cast<double>(before);
      const auto x_d = cast<double>(x);
      ReferenceContext plain;
      kernels<Reference>::column_sums(plain, rows, columns, x_d.data(), exact.data());
      double sum = cast<double>(before)[0];
      for (Index r = 0; r < rows; ++r) sum += x_d[static_cast<std::size_t>(r * columns)];
      CHECK(exact[0] == doctest::Approx(sum).epsilon(1e-12));
      std::vector<T> one;
      for (const int threads : {1, 3}) {
        CpuContext<ForkJoinPool> context(threads);
        auto sums = before;
        kernels<Cpu>::column_sums(context, rows, columns, x.data(), sums.data());
        CHECK(relative_error(sums, exact) <= (sizeof(T) == 8 ? 1e-13 : 1e-6));
        if (threads == 1) one = sums;
        CHECK(sums == one);
      }
    }
}
