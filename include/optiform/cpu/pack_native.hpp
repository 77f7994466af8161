// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>

#include <optiform/core/config.hpp>
#include <optiform/core/unrolled.hpp>  // IWYU pragma: export

// One register and the few operations the vector extensions of GCC and Clang do not spell. The
// compilers' builtins are used directly: <immintrin.h> costs a second of compile time.

OPTIFORM_NAMESPACE_BEGIN

/// Bytes of the widest vector register of the instruction set this file is compiled for.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

/// Elements of T in one vector register.
template <class T>
inline constexpr int pack_width = register_bytes / static_cast<int>(sizeof(T));

namespace detail {

template <class T>
struct NativeVector {
  typedef T type __attribute__((vector_size(register_bytes)));
};
template <class T>
using native_vector = typename NativeVector<T>::type;

/// The type whose sums are those of T without overflow: unsigned for integers.
template <class T, bool = std::is_integral_v<T>>
struct WrappingElement {
  using type = T;
};
template <class T>
struct WrappingElement<T, true> {
  using type = std::make_unsigned_t<T>;
};

template <class T>
inline constexpr bool is_float = std::is_same_v<T, float>;
template <class T>
inline constexpr bool is_double = std::is_same_v<T, double>;

template <class T>
OPTIFORM_INLINE native_vector<T> broadcast(T x) {
  return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
    return native_vector<T>{((void)I, x)...};
  }
  (std::make_integer_sequence<int, pack_width<T>>{});
}

template <class T>
OPTIFORM_INLINE native_vector<T> iota() {
  return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
    return native_vector<T>{static_cast<T>(I)...};
  }
  (std::make_integer_sequence<int, pack_width<T>>{});
}

template <class T>
OPTIFORM_INLINE native_vector<T> load(const T* p) {
  native_vector<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
OPTIFORM_INLINE void store(T* p, native_vector<T> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// The first n lanes, zeros in the others; n may be anything.
template <class T>
OPTIFORM_INLINE native_vector<T> load(const T* p, Index n) {
  if (n >= pack_width<T>) return load(p);
  if (n <= 0) return native_vector<T>{};
#if defined(__AVX512F__)
  if constexpr (is_float<T>)
    return __builtin_ia32_loadups512_mask(p, native_vector<T>{},
                                          static_cast<unsigned short>((1u << n) - 1u));
  if constexpr (is_double<T>)
    return __builtin_ia32_loadupd512_mask(p, native_vector<T>{},
                                          static_cast<unsigned char>((1u << n) - 1u));
#endif
  T lanes[pack_width<T>]{};
  for (Index i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
}

/// Writes the first n lanes; n may be anything.
template <class T>
OPTIFORM_INLINE void store(T* p, native_vector<T> v, Index n) {
  if (n >= pack_width<T>) return store(p, v);
  if (n <= 0) return;
#if defined(__AVX512F__)
  if constexpr (is_float<T>)
    return __builtin_ia32_storeups512_mask(p, v, static_cast<unsigned short>((1u << n) - 1u));
  if constexpr (is_double<T>)
    return __builtin_ia32_storeupd512_mask(p, v, static_cast<unsigned char>((1u << n) - 1u));
#endif
  T lanes[pack_width<T>];
  store(lanes, v);
  for (Index i = 0; i < n; ++i) p[i] = lanes[i];
}

template <class T>
OPTIFORM_INLINE void stream(T* p, native_vector<T> v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, reinterpret_cast<native_vector<T>*>(p));
#elif defined(__AVX512F__)
  if constexpr (is_float<T>)
    __builtin_ia32_movntps512(p, v);
  else if constexpr (is_double<T>)
    __builtin_ia32_movntpd512(p, v);
  else
    store(p, v);
#elif defined(__AVX__)
  if constexpr (is_float<T>)
    __builtin_ia32_movntps256(p, v);
  else if constexpr (is_double<T>)
    __builtin_ia32_movntpd256(p, v);
  else
    store(p, v);
#elif defined(__SSE2__)
  if constexpr (is_float<T>)
    __builtin_ia32_movntps(p, v);
  else if constexpr (is_double<T>)
    __builtin_ia32_movntpd(p, v);
  else
    store(p, v);
#else
  store(p, v);
#endif
}

/// One rounding whatever -ffp-contract says, where the machine can.
template <class T>
OPTIFORM_INLINE native_vector<T> fma(native_vector<T> a, native_vector<T> b, native_vector<T> c) {
#if defined(__AVX512F__)
  constexpr int current_rounding = 4;
  if constexpr (is_float<T>)
    return __builtin_ia32_vfmaddps512_mask(a, b, c, static_cast<unsigned short>(-1),
                                           current_rounding);
  if constexpr (is_double<T>)
    return __builtin_ia32_vfmaddpd512_mask(a, b, c, static_cast<unsigned char>(-1),
                                           current_rounding);
#elif defined(__AVX__) && defined(__FMA__)
  if constexpr (is_float<T>) return __builtin_ia32_vfmaddps256(a, b, c);
  if constexpr (is_double<T>) return __builtin_ia32_vfmaddpd256(a, b, c);
#endif
  {
#if defined(__clang__)
#pragma clang fp contract(fast)  // a permission only: taken when optimizing
#endif
    return a * b + c;
  }
}

template <class T>
OPTIFORM_INLINE native_vector<T> sqrt(native_vector<T> a) {
#if defined(__AVX512F__) && defined(__clang__)
  if constexpr (is_float<T>) return __builtin_ia32_sqrtps512(a, 4);
  if constexpr (is_double<T>) return __builtin_ia32_sqrtpd512(a, 4);
#elif defined(__AVX512F__)
  if constexpr (is_float<T>)
    return __builtin_ia32_sqrtps512_mask(a, a, static_cast<unsigned short>(-1), 4);
  if constexpr (is_double<T>)
    return __builtin_ia32_sqrtpd512_mask(a, a, static_cast<unsigned char>(-1), 4);
#elif defined(__AVX__)
  if constexpr (is_float<T>) return __builtin_ia32_sqrtps256(a);
  if constexpr (is_double<T>) return __builtin_ia32_sqrtpd256(a);
#elif defined(__SSE2__)
  if constexpr (is_float<T>) return __builtin_ia32_sqrtps(a);
  if constexpr (is_double<T>) return __builtin_ia32_sqrtpd(a);
#endif
  for (int i = 0; i < pack_width<T>; ++i) a[i] = static_cast<T>(__builtin_sqrt(a[i]));
  return a;
}

/// A value the compiler knows nothing about: (x + c) - c stays as written even where the user
/// allows it to reassociate.
template <class V>
OPTIFORM_INLINE V opaque(V v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));  // any of the 32 registers
#elif defined(__SSE2__)
  asm("" : "+x"(v));
#elif defined(__ARM_NEON)
  asm("" : "+w"(v));
#endif
  return v;
}

/// Reduces the lanes in halves: i with i + Count / 2 first.
template <class T, int Count, class V, class F>
OPTIFORM_INLINE T fold(V v, F&& f) {
  if constexpr (Count * sizeof(T) > 16) {
    typedef T half __attribute__((vector_size(Count / 2 * sizeof(T))));
    return [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
      const half low = __builtin_shufflevector(v, v, I...);
      const half high = __builtin_shufflevector(v, v, (I + Count / 2)...);
      return fold<T, Count / 2>((half)f(low, high), f);
    }
    (std::make_integer_sequence<int, Count / 2>{});
  } else if constexpr (Count == 4) {
    return f(f(v[0], v[2]), f(v[1], v[3]));
  } else if constexpr (Count == 2) {
    return f(v[0], v[1]);
  } else {
    return v[0];
  }
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
