// SPDX-License-Identifier: MIT
#pragma once

#if !defined(__GNUC__)
#include <cmath>
#endif

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The elementary functions of float and double.
///
/// The standard header that declares them costs 9,000 preprocessed lines in every translation
/// unit, so that the compiler's own are used where it has them. Code for any scalar writes
/// `using namespace math;` and lets argument-dependent lookup find a scalar's own functions.
namespace math {

#if defined(__GNUC__)
#define OPTIFORM_ELEMENTARY(name)                                       \
  inline double name(double x) noexcept { return __builtin_##name(x); } \
  inline float name(float x) noexcept { return __builtin_##name##f(x); }
#else
#define OPTIFORM_ELEMENTARY(name)                                \
  inline double name(double x) noexcept { return std::name(x); } \
  inline float name(float x) noexcept { return std::name(x); }
#endif
OPTIFORM_ELEMENTARY(sqrt)
OPTIFORM_ELEMENTARY(exp)
OPTIFORM_ELEMENTARY(expm1)
OPTIFORM_ELEMENTARY(log)
OPTIFORM_ELEMENTARY(tanh)
OPTIFORM_ELEMENTARY(erf)
OPTIFORM_ELEMENTARY(cos)
OPTIFORM_ELEMENTARY(sin)
#undef OPTIFORM_ELEMENTARY

#if defined(__GNUC__)
inline double abs(double x) noexcept { return __builtin_fabs(x); }
inline float abs(float x) noexcept { return __builtin_fabsf(x); }
inline double pow(double x, double y) noexcept { return __builtin_pow(x, y); }
inline bool isfinite(double x) noexcept { return __builtin_isfinite(x); }
#else
inline double abs(double x) noexcept { return std::fabs(x); }
inline float abs(float x) noexcept { return std::fabs(x); }
inline double pow(double x, double y) noexcept { return std::pow(x, y); }
inline bool isfinite(double x) noexcept { return std::isfinite(x); }
#endif

/// The distribution function of the standard normal law, for any scalar with an erf.
template <class T>
constexpr T normal_cumulative(T x) {
  return T(0.5) + T(0.5) * erf(T(0.70710678118654752440) * x);
}

}  // namespace math

OPTIFORM_NAMESPACE_END
