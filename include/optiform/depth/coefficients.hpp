// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/core/coefficient_values.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/math.hpp>
#include <optiform/core/scalar.hpp>
#include <optiform/rules/coefficients.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// 1 / (1 + exp(-raw)), the map of `unit` coefficients.
template <class T>
T sigmoid(T raw) {
  using math::exp;
  if (raw >= T(0)) return T(1) / (T(1) + exp(-raw));
  const T e = exp(raw);
  return e / (T(1) + e);
}

/// log(1 + exp(raw)), the map of `positive` coefficients. Its derivative is the sigmoid.
template <class T>
T softplus(T raw) {
  using math::exp;
  using math::log;
  return raw > T(0) ? raw + log(T(1) + exp(-raw)) : log(T(1) + exp(raw));
}

/// Whether a coefficient is learned in depth.
inline bool is_learned(const CoefficientInfo& c) {
  return !c.pinned && (c.kind == CoefficientKind::unit || c.kind == CoefficientKind::positive);
}

/// The unconstrained number whose map is the coefficient's initial value.
/// Errors  a value outside the coefficient's range.
inline double initial_raw(const CoefficientInfo& c, const CoefficientValues& given) {
  const double value = initial_value(c, given);
  if (c.kind == CoefficientKind::unit) {
    if (!(value > 0 && value < 1))
      fail("coefficient '", c.name, "' = ", value, ", expected a value between 0 and 1");
    return math::log(value / (1 - value));
  }
  if (!(value > 0)) fail("coefficient '", c.name, "' = ", value, ", expected a positive value");
  return value > 30 ? value : math::log(math::expm1(value));
}

/// The value a learned coefficient has at `raw`.
template <class T>
T mapped_coefficient(const CoefficientInfo& c, T raw) {
  return c.kind == CoefficientKind::unit ? sigmoid(raw) : softplus(raw);
}

/// d value / d raw of a learned coefficient.
template <class T>
T mapped_derivative(const CoefficientInfo& c, T raw) {
  const T s = sigmoid(raw);
  return c.kind == CoefficientKind::unit ? s * (T(1) - s) : s;
}

OPTIFORM_NAMESPACE_END
