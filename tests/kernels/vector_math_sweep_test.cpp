// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "vector_math.hpp"

// Every float and 10^8 doubles where a function is more than its first term: below 2^-16 it is
// linear (exp: constant) in each binade. Less than a minute on one core.
TEST_SUITE("ci") {
  using namespace vector_math;
  constexpr float greatest = std::numeric_limits<float>::max();

  TEST_CASE("exp: no float breaks its bound, or is neither 0 nor infinite beyond its range") {
    const float least_normal = std::numeric_limits<float>::min();
    double worst = 0;
    const auto check = [&](float x, float y) {
      const double exact = std::exp(static_cast<double>(x));
      double error = units_off(y, exact);
      if (exact < static_cast<double>(least_normal)) error = y == 0 ? 0 : 1e300;
      if (x > 88.7228317F) error = y > greatest ? 0 : 1e300;
      if (error > worst) worst = error;
    };
    for_floats<Exp>(0.F, 0x1p-16F, 101, check);
    for_floats<Exp>(0x1p-16F, 90.F, 1, check);
    for_floats<Exp>(90.F, std::numeric_limits<float>::infinity(), 101, check);
    CHECK(worst <= bound::exp);
  }

  TEST_CASE("erf: no float breaks its bound") {
    CHECK(worst_units<Erf>(0.F, 0x1p-16F, 101u) <= bound::erf);
    CHECK(worst_units<Erf>(0x1p-16F, 5.F, 1u) <= bound::erf);
  }

  TEST_CASE("tanh: no float breaks its bound") {
    CHECK(worst_units<Tanh>(0.F, 0x1p-16F, 101u) <= bound::tanh);
    CHECK(worst_units<Tanh>(0x1p-16F, 10.F, 1u) <= bound::tanh);
  }

  TEST_CASE("normal_cumulative: no float breaks its bound") {
    const auto one = [](float) { return 1.; };
    CHECK(worst_absolute<NormalCumulative>(0x1p-16F, 9.F, 1, one) <= bound::normal_cumulative);
  }

  TEST_CASE("Gelu: no float breaks its bounds") {
    const auto one = [](float) { return 1.; };
    const auto size = [](float x) { return std::fabs(static_cast<double>(x)); };
    CHECK(worst_absolute<GeluValue>(0x1p-8F, 16.F, 1, size) <= bound::gelu);
    CHECK(worst_absolute<GeluSlope>(0x1p-8F, 16.F, 1, one) <= bound::gelu_slope);
  }

  TEST_CASE("exp: none of 10^8 doubles breaks its bound") {
    CHECK(worst_units<Exp>(-708.396, 709.782, 70000000) <= bound::exp_double);
    CHECK(worst_units<Exp>(-1., 1., 30000000) <= bound::exp_double);
  }
}
