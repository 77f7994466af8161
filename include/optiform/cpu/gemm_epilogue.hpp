// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/epilogue.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// The place of a register: `count` numbers of one row from `column` on.
template <class T>
struct PackPlace {
  Index row, column, count;

  OPTIFORM_INLINE Pack<T> load(const T* x, Index ld) const { return at(x + row * ld + column); }
  OPTIFORM_INLINE Pack<T> load_columns(const T* x) const { return at(x + column); }
  OPTIFORM_INLINE void store(T* x, Index ld, Pack<T> value) const {
    value.store(x + row * ld + column, count);
  }

 private:
  OPTIFORM_INLINE Pack<T> at(const T* x) const { return Pack<T>::load(x, count); }
};

/// Applies an epilogue to a finished part of C, while it is still in a near cache.
template <class T, class Epilogue>
void apply_epilogue(const GemmArguments<T>& g, const Epilogue& epilogue) {
  if constexpr (!std::is_same_v<Epilogue, NoEpilogue>) {
    constexpr Index width = pack_width<T>;
    const Epilogue local = epilogue;  // nobody else's, so it stays in registers between stores
    for (Index i = 0; i < g.m; ++i) {
      T* const c = g.c + i * g.ldc;
      Index j = 0;
      for (; j + width <= g.n; j += width) {
        const PackPlace<T> place{g.row + i, g.column + j, width};
        local(Pack<T>::load(c + j), place).store(c + j);
      }
      if (j == g.n) continue;
      const PackPlace<T> place{g.row + i, g.column + j, g.n - j};
      local(Pack<T>::load(c + j, g.n - j), place).store(c + j, g.n - j);
    }
  }
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
