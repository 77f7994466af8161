// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

inline constexpr double log_of_two = 0.693147180559945309417;

/// 2^x for x of at most the largest exponent: what a softmax needs, in half the multiplications of
/// exp, since x splits into its integer and the rest without any.
///
/// Limits    float: relative error below 1.3e-7, by a minimax polynomial; double: 1e-15, by
///           Taylor's. Where the result would not be a normal number, it is none or one below the
///           least normal number, and exactly 0 from x = -127 (double: -1023) down; not-a-number
///           stays.
template <class T, int W>
OPTIFORM_INLINE Pack<T, W> exp2_or_zero(Pack<T, W> x) {
  using P = Pack<T, W>;
  using Integer = typename P::Integer;
  using optiform::detail::polynomial;
  constexpr bool single = sizeof(T) == 4;
  // There the exponent's bits become those of zero. max(lowest, x), in this order, is x where x is
  // not a number.
  const P lowest(single ? T(-127) : T(-1023));
  const P big(optiform::detail::rounder<T>);
  x = max(lowest, x);
  // opaque: reassociation would cancel the rounding.
  const P shifted = optiform::detail::opaque_pack(x + big);
  const P r = x - (shifted - big);
  P y;
  if constexpr (single)
    y = polynomial(r, 1.F, 0.6931469776F, 0.2402224209F, 0.05550733744F, 0.009671512649F,
                   0.001326472707F);
  else
    y = polynomial(r, 1., 6.931471805599453e-1, 2.402265069591007e-1, 5.550410866482158e-2,
                   9.618129107628477e-3, 1.3333558146428443e-3, 1.5403530393381608e-4,
                   1.5252733804059838e-5, 1.3215486790144307e-6, 1.0178086009239699e-7,
                   7.0549116208011233e-9, 4.4455382718708115e-10, 2.5678435993488202e-11);
  // The low bits of `shifted` are the integer, and those of `big` are zero.
  constexpr int mantissa_bits = single ? 23 : 52;
  return as<T>(as<Integer>(y) + (as<Integer>(shifted) << Pack<Integer, W>(mantissa_bits)));
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
