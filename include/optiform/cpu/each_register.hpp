// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/unrolled.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// Calls f(offset, load, store) for every register of n numbers; load(p) and store(v, p) touch what
/// belongs to it, which is less than a register at the end.
template <class P, class F>
OPTIFORM_INLINE void each_register(Index n, F&& f) {
  Index i = 0;
  for (; i + P::width <= n; i += P::width)
    f(
        i, [](auto* p) OPTIFORM_INLINE_LAMBDA { return P::load(p); },
        [](P v, auto* p) OPTIFORM_INLINE_LAMBDA { v.store(p); });
  if (i < n)
    f(
        i, [&](auto* p) OPTIFORM_INLINE_LAMBDA { return P::load(p, n - i); },
        [&](P v, auto* p) OPTIFORM_INLINE_LAMBDA { v.store(p, n - i); });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
