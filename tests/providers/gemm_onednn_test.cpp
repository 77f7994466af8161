// SPDX-License-Identifier: MIT
#include <optiform/cpu/gemm_onednn.hpp>

#include "../cpu/gemm_problem.hpp"

using namespace optiform;
using namespace gemm_testing;

TEST_CASE_TEMPLATE(
    "OneDnnGemm: agrees with plain loops for every transpose, odd sizes and long rows", T, float) {
  check_sizes<OneDnnGemm, T>();
}

TEST_CASE_TEMPLATE("OneDnnGemm: alpha and beta of 0 and 1, and sizes of 0", T, float) {
  check_factors<OneDnnGemm, T>();
}

TEST_CASE_TEMPLATE("OneDnnGemm: beta = 0 does not read C, alpha = 0 reads neither A nor B", T,
                   float) {
  check_unread<OneDnnGemm, T>();
}

TEST_CASE_TEMPLATE("OneDnnGemm: the result does not depend on the number of threads", T, float) {
  check_threads<OneDnnGemm, T>();
}
