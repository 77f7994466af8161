// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <optiform/cpu/vector_math.hpp>
#include <optiform/oracles/activations.hpp>

// Errors of the vector functions, in units of the last place of T. The float functions are measured
// against the C library's in double, the double ones against those in long double.

namespace vector_math {

using optiform::Pack;
using optiform::pack_width;

/// The largest errors found over all arguments, as <optiform/cpu/vector_math.hpp> states them.
namespace bound {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
inline constexpr double tanh = 5.5;
#else
inline constexpr double tanh = 7;
#endif
inline constexpr double exp = 1.3, exp_double = 1.5, erf = 1.7, normal_cumulative = 4.5, gelu = 5,
                        gelu_slope = 5;
}  // namespace bound

/// The distance to the next number of type T at the size of y.
template <class T, class Wide>
double unit_at(Wide y) {
  int exponent = 0;
  std::frexp(y, &exponent);
  using Limits = std::numeric_limits<T>;
  const int least = Limits::min_exponent;
  return std::ldexp(1., (exponent < least ? least : exponent) - Limits::digits);
}

/// Above every bound where a result is infinite or not a number and should not be.
template <class T, class Wide>
double units_off(T result, Wide exact) {
  const auto error = static_cast<double>(std::fabs(static_cast<Wide>(result) - exact));
  return error < 1e300 ? error / unit_at<T>(exact) : 1e300;
}

/// The functions by name, so that tests read alike.
struct Exp {
  template <class T, int W>
  static Pack<T, W> vector(Pack<T, W> x) {
    return exp(x);
  }
  template <class Wide>
  static Wide exact(Wide x) {
    return std::exp(x);
  }
};
struct Erf {
  template <class T, int W>
  static Pack<T, W> vector(Pack<T, W> x) {
    return erf(x);
  }
  template <class Wide>
  static Wide exact(Wide x) {
    return std::erf(x);
  }
};
struct Tanh {
  template <class T, int W>
  static Pack<T, W> vector(Pack<T, W> x) {
    return tanh(x);
  }
  template <class Wide>
  static Wide exact(Wide x) {
    return std::tanh(x);
  }
};
struct NormalCumulative {
  template <class T, int W>
  static Pack<T, W> vector(Pack<T, W> x) {
    return normal_cumulative(x);
  }
  template <class Wide>
  static Wide exact(Wide x) {
    return std::erfc(-x / std::sqrt(Wide(2))) / 2;
  }
};

/// Calls check(argument, result) for every `stride`-th float of both signs up to +-last.
template <class F, class Check>
void for_floats(float first, float last, std::uint32_t stride, Check&& check) {
  constexpr int width = pack_width<float>;
  const auto end = std::uint64_t{std::bit_cast<std::uint32_t>(last)};
  float in[width], out[width];
  for (const std::uint32_t sign : {0u, 1u << 31})
    for (auto bits = std::uint64_t{std::bit_cast<std::uint32_t>(first)}; bits <= end;
         bits += std::uint64_t{width} * stride) {
      for (int i = 0; i < width; ++i) {
        const auto wanted = bits + static_cast<std::uint64_t>(i) * stride;
        in[i] =
            std::bit_cast<float>(static_cast<std::uint32_t>(wanted < end ? wanted : end) | sign);
      }
      F::vector(Pack<float>::load(in)).store(out);
      for (int i = 0; i < width; ++i) check(in[i], out[i]);
    }
}

/// The largest error over every `stride`-th float of magnitude first to last.
template <class F>
double worst_units(float first, float last, std::uint32_t stride) {
  double worst = 0;
  for_floats<F>(first, last, stride, [&](float x, float y) {
    const double error = units_off(y, F::exact(static_cast<double>(x)));
    if (error > worst) worst = error;
  });
  return worst;
}

/// The largest error over evenly spaced doubles.
template <class F>
double worst_units(double low, double high, int points) {
  constexpr int width = pack_width<double>;
  double worst = 0, in[width], out[width];
  for (int first = 0; first < points; first += width) {
    for (int i = 0; i < width; ++i) in[i] = low + (high - low) * (first + i) / points;
    F::vector(Pack<double>::load(in)).store(out);
    for (int i = 0; i < width; ++i) {
      const double error = units_off(out[i], F::exact(static_cast<long double>(in[i])));
      if (error > worst) worst = error;
    }
  }
  return worst;
}

/// The largest error of a function whose bound is absolute, as a multiple of 2^-24 scale(x).
template <class F, class Scale>
double worst_absolute(float first, float last, std::uint32_t stride, Scale&& scale) {
  double worst = 0;
  for_floats<F>(first, last, stride, [&](float x, float y) {
    const double exact = F::exact(static_cast<double>(x));
    const double error = std::fabs(static_cast<double>(y) - exact) * 0x1p24;
    if (error > worst * scale(x)) worst = error / scale(x);
  });
  return worst;
}

struct GeluValue {
  template <int W>
  static Pack<float, W> vector(Pack<float, W> x) {
    return optiform::Gelu::value(x);
  }
  static double exact(double x) { return x * NormalCumulative::exact(x); }
};
struct GeluSlope {
  template <int W>
  static Pack<float, W> vector(Pack<float, W> x) {
    return optiform::Gelu::derivative(x);
  }
  static double exact(double x) {
    return NormalCumulative::exact(x) + x * std::exp(-x * x / 2) * 0.39894228040143267794;
  }
};

/// The function of one number, in the last lane.
template <class F, class T>
T one(T x) {
  return F::vector(Pack<T>(x))[pack_width<T> - 1];
}

}  // namespace vector_math
