// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Keeps a Pack out of the optimiser's algebra; see opaque() for one register.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> opaque_pack(Pack<T, W> x) {
  return Pack<T, W>::make([&](int i) OPTIFORM_INLINE_LAMBDA { return opaque(x.part[i]); });
}

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <class T, int W, class... More>
OPTIFORM_INLINE Pack<T, W> polynomial(Pack<T, W> x, T c0, More... more) {
  if constexpr (sizeof...(More) == 0)
    return c0;
  else
    return fma(polynomial(x, more...), x, Pack<T, W>(c0));
}

/// Applies a scalar function lane by lane.
template <class T, int W, class F>
OPTIFORM_INLINE Pack<T, W> by_lane(Pack<T, W> x, F&& f) {
  T lane[W];
  x.store(lane);
  for (int i = 0; i < W; ++i) lane[i] = f(lane[i]);
  return Pack<T, W>::load(lane);
}

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  // The numbers whose exponential is normal and finite.
  static constexpr float lowest = -87.33654F, highest = 88.7228317F;
  static constexpr float log2e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  static constexpr int mantissa_bits = 23;
};
template <>
struct ExpConstants<double> {
  static constexpr double lowest = -708.39641853226408, highest = 709.78271289338397;
  static constexpr double log2e = 1.44269504088896340736;
  static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  static constexpr int mantissa_bits = 52;
};

/// e^x for lowest <= x <= highest, without looking.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 q(r) by a minimax polynomial q for float
/// and Taylor's for double; 2^n is added to the exponent.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> exp_in_range(Pack<T, W> x) {
  using P = Pack<T, W>;
  using C = ExpConstants<T>;
  using Integer = typename P::Integer;
  const P big(rounder<T>);
  // opaque: reassociation would cancel the rounding, and join the two parts of ln 2.
  const P shifted = opaque_pack(fma(x, P(C::log2e), big));
  const P n = shifted - big;
  const P r = fma(n, P(-C::ln2_low), opaque_pack(fma(n, P(-C::ln2_high), x)));
  P q;
  if constexpr (sizeof(T) == 4)
    q = polynomial(r, 0.499999995455F, 0.166665763615F, 0.0416668554507F, 0.00836330002312F,
                   0.00139013430829F);
  else
    q = polynomial(r, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320,
                   1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800);
  const P y = P(1) + fma(q, r * r, r);
  // The low bits of `shifted` are n, and those of `big` are zero.
  return as<T>(as<Integer>(y) + (as<Integer>(shifted) << Pack<Integer, W>(C::mantissa_bits)));
}

/// e^x for x <= highest; zero where the result would be below the normal numbers.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> exp_or_zero(Pack<T, W> x) {
  using P = Pack<T, W>;
  const P lowest(ExpConstants<T>::lowest);
  // max(lowest, x), in this order, is x where x is not a number.
  return select(x < lowest, P(0), exp_in_range(max(lowest, x)));
}

/// 2^z for -126 <= z < 127, to 9.4e-8 of it: where it is subtracted from something larger.
template <int W>
OPTIFORM_INLINE Pack<float, W> short_exp2(Pack<float, W> z) {
  using P = Pack<float, W>;
  using Integer = typename P::Integer;
  const P big(rounder<float>);
  const P shifted = opaque_pack(z + big);  // as in exp_in_range
  const P n = opaque_pack(shifted - big);
  const P y = polynomial(z - n, 1.F, 0.693147004F, 0.240222469F, 0.0555071123F, 0.00967129413F,
                         0.00132694072F);
  return as<float>(as<Integer>(y) + (as<Integer>(shifted) << Pack<Integer, W>(23)));
}

/// x >= 0 with the sign of `sign`.
template <int W>
OPTIFORM_INLINE Pack<float, W> with_sign_of(Pack<float, W> sign, Pack<float, W> x) {
  using Bits = Pack<std::int32_t, W>;
  const Bits minus(std::numeric_limits<std::int32_t>::min());
  return as<float>(as<std::int32_t>(x) | (as<std::int32_t>(sign) & minus));
}

}  // namespace detail

// The bounds are the largest errors found: for float over every argument (the double functions of
// the C library are the reference), for double over 10^8. They hold with and without fused
// multiply-add, and under -ffast-math. Where a user links with -ffast-math, start-up code of the
// compiler may have the processor treat denormal numbers as zeros, here as everywhere else.

/// e^x.
///
/// Limits    float: within 1.3 units in the last place; double: 1.5. Where the result would be
///           below the least normal number it is 0, above the greatest infinity; exp(+-0) = 1;
///           not-a-number stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> exp(Pack<T, W> x) {
  using P = Pack<T, W>;
  const P highest(detail::ExpConstants<T>::highest);
  const P y = detail::exp_or_zero(min(highest, x));
  // The product overflows, or is not a number where x is not; -ffast-math has no infinities.
  return select(x <= highest, y, x * P(std::numeric_limits<T>::max()));
}

/// The natural logarithm: std::log, lane by lane, with its accuracy and its special values.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> log(Pack<T, W> x) {
  return detail::by_lane(x, [](T v) { return std::log(v); });
}

/// The error function.
///
/// Limits    float: within 1.7 units in the last place: x + x P(x^2), from 0.93 on
///           1 - 2^P(|x|), both minimax fits; exactly +-1 from |x| = 4 on. double: std::erf, lane
///           by lane. Odd to the bit: erf(-0) = -0; erf(+-infinity) = +-1; not-a-number stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> erf(Pack<T, W> x) {
  using P = Pack<T, W>;
  if constexpr (sizeof(T) == 8) {
    return detail::by_lane(x, [](double v) { return std::erf(v); });
  } else {
    const P t = min(P(4), abs(x));
    const P p = detail::polynomial(x * x, 0.128379151F, -0.376124889F, 0.11281731F, -0.0267629642F,
                                   0.00498734741F, -0.000595954945F);
    const P z = detail::polynomial(t, -0.000256072526F, -1.62699866F, -0.919083059F, -0.150094047F,
                                   0.0321389623F, -0.00440828595F, 0.000284470181F);
    const P large = detail::with_sign_of(x, P(1) - detail::short_exp2(z));
    // opaque: (p + 1) x would lose what p adds.
    return select(t >= P(0.93F), large, x + detail::opaque_pack(p * x));
  }
}

/// The distribution function of the standard normal law: (1 + erf(x / sqrt 2)) / 2.
///
/// Limits    float: within 4.5 2^-24 of the exact value: 1/2 + x P(x^2) / Q(x^2) by a minimax
///           fit, exactly 0 and 1 from |x| = 5.6 on (where the exact value is 1.1e-8 away).
///           double: std::erf, lane by lane. Not-a-number stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> normal_cumulative(Pack<T, W> x) {
  using P = Pack<T, W>;
  if constexpr (sizeof(T) == 8) {
    return fma(P(0.5), erf(P(0.70710678118654752440) * x), P(0.5));
  } else {
    const P limit(5.6F);
    const P s = min(P(31.36F), x * x);
    const P p = detail::polynomial(s, 0.398942249F, 0.0342684943F, 0.00470006208F, 0.000172651307F,
                                   6.33869435e-06F, 2.21735851e-08F);
    const P q = detail::polynomial(s, 1.F, 0.25256433F, 0.0288768336F, 0.00190635033F,
                                   7.46634391e-05F, 1.17968991e-06F);
    const P inside = P(0.5F) + x * p / q;
    return select(x >= limit, P(1), select(x <= -limit, P(0), inside));
  }
}

/// The hyperbolic tangent.
///
/// Limits    float: within 5.5 units in the last place (7 without fused multiply-add), x P(x^2) /
/// Q(x^2) by a minimax fit,
///           exactly +-1 from |x| = 9.02 on: half as accurate as 1 - 2 / (1 + e^2x), and a third
///           faster. double: std::tanh, lane by lane. Odd to the bit: tanh(-0) = -0;
///           tanh(+-infinity) = +-1; not-a-number stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> tanh(Pack<T, W> x) {
  using P = Pack<T, W>;
  if constexpr (sizeof(T) == 8) {
    return detail::by_lane(x, [](double v) { return std::tanh(v); });
  } else {
    const P limit(9.02F);
    const P s = min(P(82), x * x);
    const P p = detail::polynomial(s, 0.999999978125F, 0.133774395379F, 0.00349132805764F,
                                   2.05389001463e-5F, 1.32571607062e-8F);
    const P q = detail::polynomial(s, 1.F, 0.467107541505F, 0.0258607782479F, 0.000327866508697F,
                                   7.73671254859e-7F);
    const P inside = x * p / q;
    return select(x >= limit, P(1), select(x <= -limit, P(-1), inside));
  }
}

OPTIFORM_NAMESPACE_END
