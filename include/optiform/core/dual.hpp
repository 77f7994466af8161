// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/math.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A number with one directional derivative: value + derivative * eps, eps^2 = 0.
///
/// Limits    running the derived backward pass on Dual<double> gives exact Hessian-vector products.
/// See       Reference, the backend that runs every kernel on any scalar.
template <class T>
struct Dual {
  T value{};
  T derivative{};

  constexpr Dual() = default;
  template <class U>
    requires std::is_arithmetic_v<U>
  constexpr Dual(U v) : value(static_cast<T>(v)) {}
  constexpr Dual(T v, T d) : value(v), derivative(d) {}
  template <class U>
    requires std::is_arithmetic_v<U>
  explicit constexpr operator U() const { return static_cast<U>(value); }

  friend constexpr Dual operator+(Dual a) { return a; }
  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.derivative}; }
  friend constexpr Dual operator+(Dual a, Dual b) {
    return {a.value + b.value, a.derivative + b.derivative};
  }
  friend constexpr Dual operator-(Dual a, Dual b) {
    return {a.value - b.value, a.derivative - b.derivative};
  }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.derivative * b.value + a.value * b.derivative};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    const T quotient = a.value / b.value;
    return {quotient, (a.derivative - quotient * b.derivative) / b.value};
  }
  constexpr Dual& operator+=(Dual b) { return *this = *this + b; }
  constexpr Dual& operator-=(Dual b) { return *this = *this - b; }
  constexpr Dual& operator*=(Dual b) { return *this = *this * b; }
  constexpr Dual& operator/=(Dual b) { return *this = *this / b; }

  /// Order is that of the values; a kink has the derivative of the branch taken.
  friend constexpr bool operator==(Dual a, Dual b) { return a.value == b.value; }
  friend constexpr bool operator<(Dual a, Dual b) { return a.value < b.value; }
  friend constexpr bool operator>(Dual a, Dual b) { return a.value > b.value; }
  friend constexpr bool operator<=(Dual a, Dual b) { return a.value <= b.value; }
  friend constexpr bool operator>=(Dual a, Dual b) { return a.value >= b.value; }

  friend Dual sqrt(Dual a) {
    using math::sqrt;
    const T root = sqrt(a.value);
    return {root, a.derivative / (2 * root)};
  }
  friend Dual exp(Dual a) {
    using math::exp;
    const T e = exp(a.value);
    return {e, a.derivative * e};
  }
  friend Dual log(Dual a) {
    using math::log;
    return {log(a.value), a.derivative / a.value};
  }
  friend Dual tanh(Dual a) {
    using math::tanh;
    const T t = tanh(a.value);
    return {t, a.derivative * (1 - t * t)};
  }
  friend Dual erf(Dual a) {
    using math::erf;
    using math::exp;
    return {erf(a.value), a.derivative * T(1.128379167095512573896) * exp(-a.value * a.value)};
  }
  friend constexpr Dual abs(Dual a) { return a < Dual(0) ? -a : a; }
  friend bool isfinite(Dual a) {
    using math::isfinite;
    return isfinite(a.value) && isfinite(a.derivative);
  }
};

OPTIFORM_NAMESPACE_END
