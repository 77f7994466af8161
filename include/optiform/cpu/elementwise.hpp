// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/lanes.hpp>
#include <optiform/cpu/vector_math.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// x = e^x, on the calling thread.
template <class T>
OPTIFORM_INLINE void exp_in_place(Index n, T* x) {
  if constexpr (Packed<T>) {
    for (Index i = 0; i < n; ++i) x[i] = exp(x[i]);
  } else {
    using V = Pack<T>;
    Index i = 0;
    for (; i + V::width <= n; i += V::width) exp(V::load(x + i)).store(x + i);
    if (i < n) exp(V::load(x + i, n - i)).store(x + i, n - i);
  }
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
