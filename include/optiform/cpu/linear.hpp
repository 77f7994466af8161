// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/cpu/context.hpp>
#include <optiform/cpu/gemm.hpp>
#include <optiform/cpu/gemm_epilogue.hpp>
#include <optiform/cpu/gemm_tile.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

template <class T, int Width>
struct Lane {
  typedef T vector __attribute__((vector_size(Width * sizeof(T))));
};

/// The first Count of Width numbers, then zeros, without a detour through memory: a load that needs
/// two earlier stores waits for both.
template <class T, int Width, int Count>
OPTIFORM_INLINE auto load_first(const T* p) {
  using V = typename Lane<T, Width>::vector;
  if constexpr (Count <= 0) {
    return V{};
  } else if constexpr (Count >= Width) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  } else if constexpr (Width == 2) {
    return V{p[0], T(0)};
  } else {
    constexpr int half = Width / 2;
    const auto low = load_first<T, half, Count>(p);
    const auto high = load_first<T, half, Count - half>(p + half);
    return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
      return __builtin_shufflevector(low, high, I...);
    }
    (std::make_integer_sequence<int, Width>{});
  }
}

/// Lane i of the result is the sum of two neighbouring groups of `Half` lanes: those of `a` where
/// i / Half is even, those of `b` where it is odd. Two blends and a swap within one register cost
/// less than two permutations of two.
template <class T, int Half, class V>
OPTIFORM_INLINE V add_halves(V a, V b) {
  return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
    constexpr auto of_b = [](int i, bool odd) {
      return (i / Half % 2 == 1) == odd ? i + pack_width<T> : i;
    };
    const V own = __builtin_shufflevector(a, b, of_b(I, true)...);
    const V crossed = __builtin_shufflevector(a, b, of_b(I, false)...);
    return (V)(own + (V)__builtin_shufflevector(crossed, crossed, (I ^ Half)...));
  }
  (std::make_integer_sequence<int, pack_width<T>>{});
}

/// The sums of the lanes of Count registers, one in each lane, by a tree.
template <class T, int Half, int Count, class V>
OPTIFORM_INLINE V sums_of_lanes(const V* v) {
  if constexpr (Count == 1) {
    return v[0];
  } else {
    V next[Count / 2];
    OPTIFORM_UNROLL
    for (int i = 0; i < Count / 2; ++i) next[i] = add_halves<T, Half>(v[2 * i], v[2 * i + 1]);
    return sums_of_lanes<T, 2 * Half, Count / 2>(next);
  }
}

/// A register of outputs of one row whose In inputs fill a register several times: as
/// `dot_products`, which it equals bit for bit.
template <Index In, class T>
OPTIFORM_INLINE native_vector<T> short_dot_products(const T* x, const T* w) {
  using V = native_vector<T>;
  constexpr int width = pack_width<T>, in = static_cast<int>(In), rows = width / in;
  return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
    const V once = load_first<T, width, in>(x);
    const V factor = __builtin_shufflevector(once, once, (I % in)...);
    V products[in];
    OPTIFORM_UNROLL
    for (int r = 0; r < in; ++r) products[r] = fma<T>(load(w + r * width), factor, V{});
    // Lane q in + r holds output r rows + q.
    const V sums = sums_of_lanes<T, 1, in>(products);
    return (V)__builtin_shufflevector(sums, sums, (I % rows * in + I / rows)...);
  }
  (std::make_integer_sequence<int, width>{});
}

/// Up to a register of outputs of one row: y[o] = sum of x[i] w[o, i] for o < Count.
template <Index In, int Count, class T>
OPTIFORM_INLINE native_vector<T> dot_products(const T* x, const T* w) {
  using V = native_vector<T>;
  constexpr int width = pack_width<T>;
  constexpr Index whole = In / width * width;
  V sums[width];
  OPTIFORM_UNROLL
  for (int o = 0; o < width; ++o) sums[o] = V{};
  for (Index i = 0; i < whole; i += width) {
    const V factor = opaque(load(x + i));
    OPTIFORM_UNROLL
    for (int o = 0; o < Count; ++o) sums[o] = fma<T>(load(w + o * In + i), factor, sums[o]);
  }
  if constexpr (whole < In) {
    const auto rest = [](const T* p) OPTIFORM_INLINE_LAMBDA -> V {
      if constexpr (register_bytes == 64)
        return load(p, In - whole);  // by a mask
      else
        return load_first<T, width, static_cast<int>(In - whole)>(p);
    };
    const V factor = opaque(rest(x + whole));
    OPTIFORM_UNROLL
    for (int o = 0; o < Count; ++o) sums[o] = fma<T>(rest(w + o * In + whole), factor, sums[o]);
  }
  return sums_of_lanes<T, 1, width>(sums);
}

/// y = epilogue(x w^T) for one row, as dot products: w is read as it lies, nothing is packed.
template <Index Out, Index In, class T, class Epilogue>
void linear_row(Index row, const T* x, const T* w, T* y, const Epilogue& epilogue) {
  constexpr Index width = pack_width<T>, whole = Out / width * width;
  const Epilogue local = epilogue;
  for (Index o = 0; o < whole; o += width) {
    const Pack<T> value = Pack<T>::make([&](int) OPTIFORM_INLINE_LAMBDA {
      if constexpr (In > 1 && In < width && width % In == 0)
        return short_dot_products<In>(x, w + o * In);
      else
        return dot_products<In, width>(x, w + o * In);
    });
    local(value, PackPlace<T>{row, o, width}).store(y + o);
  }
  if constexpr (whole < Out) {
    constexpr int rest = static_cast<int>(Out - whole);
    const Pack<T> value = Pack<T>::make(
        [&](int) OPTIFORM_INLINE_LAMBDA { return dot_products<In, rest>(x, w + whole * In); });
    local(value, PackPlace<T>{row, whole, rest}).store(y + whole, rest);
  }
}

}  // namespace detail

/// One full layer of a small network: y = epilogue(x w^T), its sizes known when compiling.
///
/// Shapes    x [rows, In], w [Out, In], y = [rows, Out], all dense.
/// Contract  an element of y depends on its row of x alone, not on how many rows there are, nor on
///           threads: what a policy says of a state is the same alone and in a batch.
template <class Gemm, Index Out, Index In, class Threads, class T, class Epilogue = NoEpilogue>
void linear(CpuContext<Threads>& context, Index rows, const T* x, const T* w, T* y,
            const Epilogue& epilogue = {}) {
  // While w fits the nearest cache, reading it for every row costs no more than packing it.
  if constexpr (Out * In * static_cast<Index>(sizeof(T)) <= 16384) {
    constexpr Index piece = 64;
    context.parallel((rows + piece - 1) / piece, [&](Index task, int) {
      for (Index r = task * piece; r < std::min(rows, (task + 1) * piece); ++r)
        detail::linear_row<Out, In>(r, x + r * In, w, y + r * Out, epilogue);
    });
  } else {
    gemm<Gemm>(context, Transpose::no, Transpose::yes, rows, Out, In, T(1), x, In, w, In, T(0), y,
               Out, epilogue);
  }
}

OPTIFORM_NAMESPACE_END
