// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_epilogue.hpp>
#include <optiform/cpu/gemm_tile.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/cpu/transpose.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// At most Rows rows of C in one register of columns: B is turned in registers, and used at once.
///
/// Contract  adds the steps [first, first + steps) of k. Rows that C lacks repeat its last one.
template <int Rows, class T>
__attribute__((noinline)) void multiply_few(const GemmArguments<T>& g, Index first, Index steps) {
  using V = native_vector<T>;
  constexpr int width = pack_width<T>;
  const T* const b = g.b + first;
  const T* a[Rows];
  V sums[Rows];
  OPTIFORM_UNROLL
  for (int r = 0; r < Rows; ++r) {
    a[r] = g.a + std::min<Index>(r, g.m - 1) * g.lda + first;
    sums[r] = V{};
  }
  Index k = 0;
  if (g.n == width)
    for (; k + width <= steps; k += width) {
      V square[width];
      OPTIFORM_UNROLL
      for (int i = 0; i < width; ++i) {
        // The next rows: nobody else knows that they come so soon.
        __builtin_prefetch(b + (width + i) * g.ldb + k);
        square[i] = load(b + i * g.ldb + k);
      }
      transpose_registers<T>(square);
      OPTIFORM_UNROLL
      for (int j = 0; j < width; ++j) {
        OPTIFORM_UNROLL
        for (int r = 0; r < Rows; ++r) sums[r] = fma<T>(broadcast(a[r][k + j]), square[j], sums[r]);
      }
    }
  for (; k < steps; ++k) {
    T lanes[width]{};
    for (Index i = 0; i < g.n; ++i) lanes[i] = b[i * g.ldb + k];
    const V right = load(lanes);
    OPTIFORM_UNROLL
    for (int r = 0; r < Rows; ++r) sums[r] = fma<T>(broadcast(a[r][k]), right, sums[r]);
  }
  const V alpha = broadcast(g.alpha);
  const T beta = first == 0 ? g.beta : T(1);
  OPTIFORM_UNROLL
  for (int r = 0; r < Rows; ++r) {
    if (r >= g.m) break;
    T* const c = g.c + r * g.ldc;
    V value = alpha * sums[r];
    if (beta != T(0)) value = fma<T>(alpha, sums[r], broadcast(beta) * load(c, g.n));
    store(c, value, g.n);
  }
}

/// C = epilogue(alpha A B^T + beta C) for up to eight rows, so few that packing B would not pay: it
/// is read as it lies in memory, whose rate is the limit.
///
/// Contract  sums as those of multiply_tile, in pieces of `depth` steps: the same bits.
template <class T, class Epilogue>
void multiply_few_rows(const GemmArguments<T>& g, Index depth, const Epilogue& epilogue) {
  constexpr Index width = pack_width<T>;
  for (Index column = 0; column < g.n; column += width) {
    const Index columns = std::min(width, g.n - column);
    for (Index k = 0; k < g.k; k += depth) {
      const Index steps = std::min(depth, g.k - k);
      const auto part = g.part(0, g.m, column, columns);
      if (g.m == 1)
        multiply_few<1>(part, k, steps);
      else if (g.m == 2)
        multiply_few<2>(part, k, steps);
      else if (g.m <= 4)
        multiply_few<4>(part, k, steps);
      else
        multiply_few<8>(part, k, steps);
    }
    apply_epilogue(g.part(0, g.m, column, columns), epilogue);
  }
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
