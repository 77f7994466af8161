// SPDX-License-Identifier: MIT
#include <optiform/cpu/gemm_cblas.hpp>

#include "../cpu/gemm_problem.hpp"

using namespace optiform;
using namespace gemm_testing;

TEST_CASE_TEMPLATE(
    "CblasGemm: agrees with plain loops for every transpose, odd sizes and long rows", T, float,
    double) {
  check_sizes<CblasGemm, T>();
}

TEST_CASE_TEMPLATE("CblasGemm: alpha and beta of 0 and 1, and sizes of 0", T, float, double) {
  check_factors<CblasGemm, T>();
}

TEST_CASE_TEMPLATE("CblasGemm: beta = 0 does not read C, alpha = 0 reads neither A nor B", T, float,
                   double) {
  check_unread<CblasGemm, T>();
}

TEST_CASE_TEMPLATE("CblasGemm: the result does not depend on the number of threads", T, float,
                   double) {
  check_threads<CblasGemm, T>();
}
