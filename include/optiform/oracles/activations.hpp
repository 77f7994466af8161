// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The exact Gaussian error linear unit.
///
///   value(x)      = x Phi(x),              Phi(x) = (1 + erf(x / sqrt 2)) / 2
///   derivative(x) = Phi(x) + x phi(x),     phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
///
/// Limits    value(0) = 0, derivative(0) = 1/2; far right it is x, far left it is 0; at minus
///           infinity not a number. In float registers within 5 2^-24 |x| of the exact value
///           and 5 2^-24 of the exact derivative. T is any type with arithmetic and an erf and
///           exp: a scalar, a Dual, a vector register.
/// Source    Hendrycks, Gimpel, "Gaussian error linear units", arXiv 1606.08415.
struct Gelu {
  template <class T>
  static constexpr T value(T x) {
    return x * cumulative(x);
  }

  template <class T>
  static constexpr T derivative(T x) {
    using detail::constant;
    using math::exp;
    return cumulative(x) +
           x * (constant<T>(0.39894228040143267794) * exp(constant<T>(-0.5) * x * x));
  }

 private:
  template <class T>
  static constexpr T cumulative(T x) {
    using math::normal_cumulative;  // a vector register brings its own
    return normal_cumulative(x);
  }
};

/// The Gaussian error linear unit with a hyperbolic tangent in place of erf, as GPT-2 has it.
///
///   value(x)      = x (1 + t) / 2,   t = tanh(u),   u = sqrt(2 / pi) (x + 0.044715 x^3)
///   derivative(x) = (1 + t) / 2 + x (1 - t^2) u'(x) / 2
///
/// Limits    as Gelu, from which it is at most 4.8e-4 away.
/// Source    Hendrycks, Gimpel, arXiv 1606.08415, section 2; "gelu_new" in Hugging Face's GPT-2.
struct GeluTanh {
  template <class T>
  static constexpr T value(T x) {
    const T half = detail::constant<T>(0.5);
    return x * (half + half * tangent(x));
  }

  template <class T>
  static constexpr T derivative(T x) {
    const T half = detail::constant<T>(0.5), one = detail::constant<T>(1);
    const T t = tangent(x);
    const T slope = detail::constant<T>(scale) * (one + detail::constant<T>(3 * cubic) * x * x);
    return half + half * (t + x * (one - t * t) * slope);
  }

 private:
  static constexpr double scale = 0.79788456080286535588, cubic = 0.044715;

  template <class T>
  static constexpr T tangent(T x) {
    using math::tanh;
    const T one = detail::constant<T>(1);
    return tanh(detail::constant<T>(scale) * x * (one + detail::constant<T>(cubic) * x * x));
  }
};

/// The sigmoid linear unit, also called swish.
///
///   value(x) = x s(x),   derivative(x) = s(x) (1 + x (1 - s(x))),   s(x) = 1 / (1 + exp(-x))
///
/// Limits    as Gelu.
/// Source    Elfwing, Uchibe, Doya, arXiv 1702.03118; in a GatedMlp it makes SwiGLU.
struct Silu {
  template <class T>
  static constexpr T value(T x) {
    return x * sigmoid(x);
  }

  template <class T>
  static constexpr T derivative(T x) {
    const T s = sigmoid(x), one = detail::constant<T>(1);
    return s * (one + x * (one - s));
  }

 private:
  template <class T>
  static constexpr T sigmoid(T x) {
    using math::exp;
    const T one = detail::constant<T>(1);
    return one / (one + exp(-x));
  }
};

/// The square of the positive part.
///
///   value(x) = max(x, 0)^2,   derivative(x) = 2 max(x, 0)
///
/// Source    So et al., "Primer", arXiv 2109.08668.
struct ReluSquared {
  template <class T>
  static constexpr T value(T x) {
    const T positive = positive_part(x);
    return positive * positive;
  }

  template <class T>
  static constexpr T derivative(T x) {
    const T positive = positive_part(x);
    return positive + positive;
  }

 private:
  template <class T>
  static constexpr T positive_part(T x) {
    const T zero = detail::constant<T>(0);
    if constexpr (requires { typename T::value_type; })
      return max(x, zero);
    else
      return x > zero ? x : zero;
  }
};

OPTIFORM_NAMESPACE_END
