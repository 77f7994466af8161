// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/cpu/activation.hpp>
#include <optiform/cpu/each_register.hpp>
#include <optiform/cpu/pack.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cpu {

/// The sum of squares of one chunk: sixteen running sums in double, the same on every machine.
template <class T>
double sum_of_squares_of_chunk(Index n, const T* x) {
  using P = Lanes<double>;
  constexpr Index width = P::width;
  P lanes(0);
  const auto add = [&](const T* from) OPTIFORM_INLINE_LAMBDA {
    const P wide = P::make([&](int part) OPTIFORM_INLINE_LAMBDA {
      typedef T narrow __attribute__((vector_size(P::native * sizeof(T))));
      narrow v;
      std::memcpy(&v, from + part * P::native, sizeof v);
      return __builtin_convertvector(v, typename P::Vector);
    });
    lanes = fma(wide, wide, lanes);
  };
  Index i = 0;
  for (; i + width <= n; i += width) add(x + i);
  if (i < n) {
    T rest[width]{};
    std::copy(x + i, x + n, rest);
    add(rest);
  }
  return sum(lanes);
}

/// The sum of x[i]^2 in double: partial sums of fixed chunks, added in their order.
template <class Context, class T>
double sum_of_squares(Context& context, Index n, const T* x) {
  constexpr Index chunk = 32768;
  const Index chunks = (n + chunk - 1) / chunk;
  double total = 0;
  if (chunks <= 1 || context.threads() == 1 || context.current() >= 0) {
    for (Index first = 0; first < n; first += chunk)
      total += sum_of_squares_of_chunk(std::min(chunk, n - first), x + first);
    return total;
  }
  auto* partial =
      reinterpret_cast<double*>(context.scratch(0, chunks * static_cast<Index>(sizeof(double))));
  for_each_piece(context, n, chunk, [&](Index first, Index last) {
    partial[first / chunk] = sum_of_squares_of_chunk(last - first, x + first);
  });
  for (Index i = 0; i < chunks; ++i) total += partial[i];
  return total;
}

/// sums[c] += the sum of x[:, c]: strips of columns that fit the registers, from the first row to
/// the last.
template <class Context, class T>
void column_sums(Context& context, Index rows, Index columns, const T* x, T* sums) {
  using P = Pack<T>;
  constexpr Index registers = 8, strip = registers * P::width;
  for_each_piece(context, columns, strip, [&](Index first, Index last) {
    if (last - first < strip) {
      each_register<P>(last - first, [&](Index i, auto load, auto store) OPTIFORM_INLINE_LAMBDA {
        P sum = load(sums + first + i);
        for (Index r = 0; r < rows; ++r) sum += load(x + r * columns + first + i);
        store(sum, sums + first + i);
      });
      return;
    }
    P sum[registers];
    unrolled<registers>(
        [&](int i) OPTIFORM_INLINE_LAMBDA { sum[i] = P::load(sums + first + i * P::width); });
    for (Index r = 0; r < rows; ++r)
      unrolled<registers>([&](int i) OPTIFORM_INLINE_LAMBDA {
        sum[i] += P::load(x + r * columns + first + i * P::width);
      });
    unrolled<registers>([&](int i)
                            OPTIFORM_INLINE_LAMBDA { sum[i].store(sums + first + i * P::width); });
  });
}

template <class Context, class T>
void fill(Context& context, Index n, T value, T* x) {
  for_each_piece(context, n, elementwise_piece,
                 [&](Index first, Index last) { std::fill(x + first, x + last, value); });
}

/// y = x; the arrays do not overlap.
template <class Context, class T>
void copy(Context& context, Index n, const T* x, T* y) {
  static_assert(std::is_trivially_copyable_v<T>);
  for_each_piece(context, n, elementwise_piece, [&](Index first, Index last) {
    std::memcpy(y + first, x + first, static_cast<std::size_t>(last - first) * sizeof(T));
  });
}

}  // namespace cpu

OPTIFORM_NAMESPACE_END
