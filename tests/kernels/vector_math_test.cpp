// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "vector_math.hpp"

using namespace optiform;
using namespace vector_math;

// Compiled a second time with -ffast-math by fast_math.sh: the same bounds hold there.

namespace {

// A prime, so that every low bit pattern occurs; vector_math_sweep_test.cpp leaves none out.
constexpr std::uint32_t stride = 1009;

// Start-up code linked by -ffast-math turns denormal numbers into zeros, on the way too.
#if defined(__FAST_MATH__)
constexpr float least = 0x1p-120F;
#else
constexpr float least = 0;
#endif
constexpr float greatest = std::numeric_limits<float>::max();

/// The same bits, so that -0 is not 0.
template <class T>
bool same(T a, T b) {
  return std::signbit(a) == std::signbit(b) && a == b;
}

}  // namespace

TEST_CASE("exp: stays within its documented error over the whole range") {
  CHECK(worst_units<Exp>(least, 87.33654F, stride) <= bound::exp);
  CHECK(worst_units<Exp>(-708.396, 709.782, 100000) <= bound::exp_double);
  CHECK(worst_units<Exp>(-1., 1., 100000) <= bound::exp_double);
}

TEST_CASE("exp: the ends of the range are zero and infinity, and zero gives one") {
  CHECK(one<Exp>(0.F) == 1.F);
  CHECK(one<Exp>(-0.F) == 1.F);
  CHECK(one<Exp>(0.) == 1.);
  CHECK(one<Exp>(-87.33654F) >= std::numeric_limits<float>::min());
  CHECK(one<Exp>(-708.39641853226408) >= std::numeric_limits<double>::min());
  for (const float x : {-87.33655F, -88.F, -1e30F, -greatest}) CHECK(same(one<Exp>(x), 0.F));
  for (const double x : {-708.3965, -1e300}) CHECK(same(one<Exp>(x), 0.));
  CHECK(one<Exp>(88.7228317F) <= greatest);
  CHECK(one<Exp>(709.78271289338397) <= std::numeric_limits<double>::max());
  for (const float x : {88.7228394F, 89.F, 1e30F}) CHECK(one<Exp>(x) > greatest);
  CHECK(one<Exp>(709.7827128933842) > std::numeric_limits<double>::max());
}

TEST_CASE("erf: stays within its documented error and saturates exactly") {
  CHECK(worst_units<Erf>(least, greatest, stride) <= bound::erf);
  CHECK(one<Erf>(4.F) == 1.F);
  CHECK(one<Erf>(-1e30F) == -1.F);
  for (double x = -6; x < 6; x += 0.37) CHECK(one<Erf>(x) == std::erf(x));
}

TEST_CASE("tanh: stays within its documented error and saturates exactly") {
  CHECK(worst_units<Tanh>(least, greatest, stride) <= bound::tanh);
  CHECK(one<Tanh>(30.F) == 1.F);
  CHECK(one<Tanh>(-1e30F) == -1.F);
  for (double x = -20; x < 20; x += 0.37) CHECK(one<Tanh>(x) == std::tanh(x));
}

TEST_CASE("erf, tanh: are odd to the last bit, signed zero included") {
  CHECK(same(one<Erf>(0.F), 0.F));
  CHECK(same(one<Erf>(-0.F), -0.F));
  CHECK(same(one<Tanh>(0.F), 0.F));
  CHECK(same(one<Tanh>(-0.F), -0.F));
  int even = 0;
  for (float x = 1e-30F; x < 20; x *= 1.01F)
    even += !same(one<Erf>(-x), -one<Erf>(x)) + !same(one<Tanh>(-x), -one<Tanh>(x));
  CHECK(even == 0);
}

TEST_CASE("normal_cumulative: stays within its documented error and saturates exactly") {
  CHECK(worst_absolute<NormalCumulative>(least, greatest, stride, [](float) { return 1.; }) <=
        bound::normal_cumulative);
  CHECK(one<NormalCumulative>(0.F) == 0.5F);
  CHECK(one<NormalCumulative>(5.6F) == 1.F);
  CHECK(same(one<NormalCumulative>(-5.6F), 0.F));
  CHECK(one<NormalCumulative>(1.5) == doctest::Approx(0.93319279873114191).epsilon(1e-15));
}

TEST_CASE("Gelu: a register of floats stays within its documented error") {
  const auto size = [](float x) { return std::fabs(static_cast<double>(x)) + 0x1p-126; };
  CHECK(worst_absolute<GeluValue>(least, 1e18F, stride, size) <= bound::gelu);
  CHECK(worst_absolute<GeluSlope>(least, 1e18F, stride, [](float) { return 1.; }) <=
        bound::gelu_slope);
}

#if !defined(__FAST_MATH__)
TEST_CASE("Vector functions: not-a-number and the infinities go where they should") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(one<Exp>(infinity) == infinity);
  CHECK(same(one<Exp>(-infinity), 0.F));
  CHECK(one<Exp>(std::numeric_limits<double>::infinity()) > 1e308);
  for (const float sign : {-1.F, 1.F}) {
    CHECK(one<Erf>(sign * infinity) == sign);
    CHECK(one<Tanh>(sign * infinity) == sign);
    CHECK(one<NormalCumulative>(sign * infinity) == (sign + 1) / 2);
  }
  // Payloads too: the integer steps of exp and erf must not turn them into numbers.
  for (const std::uint32_t bits :
       {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0xFF812345u, 0x7FFFFFFFu}) {
    const auto nan = std::bit_cast<float>(bits);
    CHECK(std::isnan(one<Exp>(nan)));
    CHECK(std::isnan(one<Erf>(nan)));
    CHECK(std::isnan(one<Tanh>(nan)));
    CHECK(std::isnan(one<NormalCumulative>(nan)));
    CHECK(std::isnan(one<GeluValue>(nan)));
    CHECK(std::isnan(one<GeluSlope>(nan)));
  }
  CHECK(std::isnan(one<Exp>(std::bit_cast<double>(0x7FF0000000000001ull))));
}

TEST_CASE("Vector functions: denormal arguments give denormal results") {
  CHECK(one<Tanh>(1e-40F) == 1e-40F);
  CHECK(one<Erf>(1e-40F) == doctest::Approx(1.1283792e-40).epsilon(1e-4));
  CHECK(one<Exp>(1e-40F) == 1.F);
}
#endif
