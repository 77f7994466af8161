// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <optiform/cpu/vector_math.hpp>

using namespace optiform;

namespace {

/// Largest error in units of the last place of T over evenly spaced points.
template <class T, class F, class G>
double worst_ulp(double low, double high, int points, F&& vector, G&& exact) {
  constexpr int width = pack_width<T>;
  double worst = 0;
  T in[width], out[width];
  for (int first = 0; first < points; first += width) {
    for (int i = 0; i < width; ++i)
      in[i] = static_cast<T>(low + (high - low) * (first + i) / points);
    vector(Pack<T>::load(in)).store(out);
    for (int i = 0; i < width; ++i) {
      const long double y = exact(static_cast<long double>(in[i]));
      const T nearest = static_cast<T>(y);
      const T up = std::nextafter(std::fabs(nearest), std::numeric_limits<T>::infinity());
      const auto unit = static_cast<long double>(up - std::fabs(nearest));
      const auto error =
          static_cast<double>(std::fabs(static_cast<long double>(out[i]) - y) / unit);
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

const auto vector_exp = [](auto x) { return exp(x); };
const auto vector_erf = [](auto x) { return erf(x); };
const auto vector_tanh = [](auto x) { return tanh(x); };
const auto exact_exp = [](long double x) { return std::exp(x); };
const auto exact_erf = [](long double x) { return std::erf(x); };
const auto exact_tanh = [](long double x) { return std::tanh(x); };

template <class T, class F>
T one(F&& f, T x) {
  return f(Pack<T>(x))[pack_width<T> - 1];
}

}  // namespace

TEST_CASE("exp: stays within its documented error over the whole range") {
  CHECK(worst_ulp<float>(-87.3, 88.7, 200000, vector_exp, exact_exp) <= 1.3);
  CHECK(worst_ulp<float>(-1, 1, 100000, vector_exp, exact_exp) <= 1.3);
  CHECK(worst_ulp<double>(-708, 709, 100000, vector_exp, exact_exp) <= 1.5);
  CHECK(worst_ulp<double>(-1, 1, 100000, vector_exp, exact_exp) <= 1.5);
}

TEST_CASE("exp: the ends of the range are zero and infinity, and zero gives one") {
  CHECK(one(vector_exp, 0.F) == 1.F);
  CHECK(one(vector_exp, 0.) == 1.);
  CHECK(one(vector_exp, -88.F) == 0.F);
  CHECK(one(vector_exp, -1e30F) == 0.F);
  CHECK(one(vector_exp, -1e300) == 0.);
  CHECK(one(vector_exp, 89.F) > std::numeric_limits<float>::max());
  CHECK(one(vector_exp, 1e30F) > std::numeric_limits<float>::max());
  CHECK(one(vector_exp, 710.) > std::numeric_limits<double>::max());
}

TEST_CASE("erf: stays within its documented error and saturates exactly") {
  CHECK(worst_ulp<float>(-5, 5, 200000, vector_erf, exact_erf) <= 7);
  CHECK(worst_ulp<float>(-0.01, 0.01, 10000, vector_erf, exact_erf) <= 7);
  CHECK(worst_ulp<double>(-5, 5, 10000, vector_erf, exact_erf) <= 1);
  CHECK(one(vector_erf, 0.F) == 0.F);
  CHECK(one(vector_erf, 4.F) == 1.F);
  CHECK(one(vector_erf, 1e30F) == 1.F);
  CHECK(one(vector_erf, -1e30F) == -1.F);
}

TEST_CASE("tanh: stays within its documented error and saturates exactly") {
  CHECK(worst_ulp<float>(-10, 10, 200000, vector_tanh, exact_tanh) <= 7);
  CHECK(worst_ulp<float>(-0.01, 0.01, 10000, vector_tanh, exact_tanh) <= 7);
  CHECK(worst_ulp<double>(-10, 10, 10000, vector_tanh, exact_tanh) <= 2);
  CHECK(one(vector_tanh, 0.F) == 0.F);
  CHECK(one(vector_tanh, 30.F) == 1.F);
  CHECK(one(vector_tanh, -1e30F) == -1.F);
}

#if !defined(__FAST_MATH__)
TEST_CASE("Vector functions: not-a-number stays not-a-number") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(one(vector_exp, nan)));
  CHECK(std::isnan(one(vector_erf, nan)));
  CHECK(std::isnan(one(vector_tanh, nan)));
  CHECK(std::isnan(one(vector_exp, std::numeric_limits<double>::quiet_NaN())));
}
#endif
