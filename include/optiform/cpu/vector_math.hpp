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
  // Below the least normal number the result is flushed to zero.
  static constexpr float lowest = -87.33F, highest = 88.72F;
  static constexpr float log2e = 1.44269504F, ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  static constexpr int mantissa_bits = 23;
};
template <>
struct ExpConstants<double> {
  static constexpr double lowest = -708.39, highest = 709.78;
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

}  // namespace detail

/// e^x.
///
/// Limits    float: within 1.3 units in the last place; double: 1.5. Below the least normal
///           number it is 0, above the greatest infinity; not-a-number stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> exp(Pack<T, W> x) {
  using P = Pack<T, W>;
  const P highest(detail::ExpConstants<T>::highest);
  const P y = detail::exp_or_zero(min(highest, x));
  return select(x > highest, P(std::numeric_limits<T>::infinity()), y);
}

/// The natural logarithm: std::log, lane by lane.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> log(Pack<T, W> x) {
  return detail::by_lane(x, [](T v) { return std::log(v); });
}

/// The error function.
///
/// Limits    float: within 7 units in the last place, x P(x^2) / Q(x^2) by a minimax fit, exactly
///           +-1 from |x| = 4 on. double: std::erf, lane by lane.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> erf(Pack<T, W> x) {
  using P = Pack<T, W>;
  if constexpr (sizeof(T) == 8) {
    return detail::by_lane(x, [](double v) { return std::erf(v); });
  } else {
    const P limit(4);
    const P s = min(P(16), x * x);
    const P p = detail::polynomial(s, 1.12837913937F, 0.193541688263F, 0.0531013234272F,
                                   0.00388320704033F, 0.000284563464042F, 1.98681219835e-6F);
    const P q = detail::polynomial(s, 1.F, 0.504854412156F, 0.115348624965F, 0.0152069760833F,
                                   0.00118553933295F, 3.74203707397e-5F);
    const P inside = x * p / q;
    return select(x >= limit, P(1), select(x <= -limit, P(-1), inside));
  }
}

/// The hyperbolic tangent.
///
/// Limits    float: within 7 units in the last place, x P(x^2) / Q(x^2) by a minimax fit, exactly
///           +-1 from |x| = 9.02 on. double: std::tanh, lane by lane.
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
