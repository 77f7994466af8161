// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/cpu/pack_native.hpp>  // IWYU pragma: export

OPTIFORM_NAMESPACE_BEGIN

/// Width numbers that are computed with at once: one register, or several side by side.
///
/// Contract  T: float, double, std::int32_t, std::int64_t. Width: a multiple of pack_width<T>.
///           Elementwise operations are those of the scalar type, so a lane's result does not
///           depend on the instruction set. Comparisons give a Pack of integers, 0 or -1.
///           load and store take any address; (p, n) forms touch the first n lanes only.
/// Limits    max(a, b) is a > b ? a : b lane by lane, so it is b where either is not a number.
///           fma is one rounding where the machine has it (FMA, AVX-512, NEON), two elsewhere.
template <class T, int Width = pack_width<T>>
struct Pack {
  static constexpr int width = Width;
  static constexpr int native = pack_width<T>;
  static constexpr int parts = Width / native;
  static_assert(Width % native == 0 && parts > 0,
                "optiform: Pack - Width is not a multiple of pack_width<T>; use Lanes<T>");
  using value_type = T;
  using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Vector = detail::native_vector<T>;
  using IntegerPack = Pack<Integer, Width>;
  /// Sums of integers wrap around, as registers do: bits of numbers are added, those of NaNs too.
  using Wrapping = detail::native_vector<typename detail::WrappingElement<T>::type>;

  Vector part[parts];

  Pack() = default;
  OPTIFORM_INLINE Pack(T x) {
    unrolled<parts>([&](int i) OPTIFORM_INLINE_LAMBDA { part[i] = detail::broadcast<T>(x); });
  }

  static OPTIFORM_INLINE Pack load(const T* p) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA { return detail::load(p + i * native); });
  }
  static OPTIFORM_INLINE Pack load(const T* p, Index n) {
    return make(
        [&](int i) OPTIFORM_INLINE_LAMBDA { return detail::load(p + i * native, n - i * native); });
  }
  OPTIFORM_INLINE void store(T* p) const {
    unrolled<parts>([&](int i) OPTIFORM_INLINE_LAMBDA { detail::store(p + i * native, part[i]); });
  }
  OPTIFORM_INLINE void store(T* p, Index n) const {
    unrolled<parts>([&](int i) OPTIFORM_INLINE_LAMBDA {
      detail::store(p + i * native, part[i], n - i * native);
    });
  }
  /// Writes past the caches; p is a multiple of register_bytes. Call stream_fence() at the end.
  OPTIFORM_INLINE void stream(T* p) const {
    unrolled<parts>([&](int i) OPTIFORM_INLINE_LAMBDA { detail::stream(p + i * native, part[i]); });
  }
  /// 0, 1, ..., Width - 1.
  static OPTIFORM_INLINE Pack iota() {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return detail::iota<T>() + detail::broadcast<T>(static_cast<T>(i * native));
    });
  }
  OPTIFORM_INLINE T operator[](int lane) const { return part[lane / native][lane % native]; }

  /// Builds a Pack from f(part number) -> register.
  template <class F>
  static OPTIFORM_INLINE Pack make(F&& f) {
    Pack r;
    unrolled<parts>([&](int i) OPTIFORM_INLINE_LAMBDA { r.part[i] = f(i); });
    return r;
  }

// One line per operator keeps the table readable.
#define OPTIFORM_PACK_WRAPPING(op)                                 \
  friend OPTIFORM_INLINE Pack operator op(Pack a, Pack b) {        \
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {                \
      return (Vector)((Wrapping)a.part[i] op(Wrapping) b.part[i]); \
    });                                                            \
  }
#define OPTIFORM_PACK_BINARY(op)                                                                 \
  friend OPTIFORM_INLINE Pack operator op(Pack a, Pack b) {                                      \
    return make([&](int i) OPTIFORM_INLINE_LAMBDA { return (Vector)(a.part[i] op b.part[i]); }); \
  }
#define OPTIFORM_PACK_COMPARE(op)                                    \
  friend OPTIFORM_INLINE IntegerPack operator op(Pack a, Pack b) {   \
    return IntegerPack::make([&](int i) OPTIFORM_INLINE_LAMBDA {     \
      return (typename IntegerPack::Vector)(a.part[i] op b.part[i]); \
    });                                                              \
  }
#define OPTIFORM_PACK_INTEGER(op)                                                                \
  friend OPTIFORM_INLINE Pack operator op(Pack a, Pack b) requires std::is_integral_v<T> {       \
    return make([&](int i) OPTIFORM_INLINE_LAMBDA { return (Vector)(a.part[i] op b.part[i]); }); \
  }
  // clang-format off
  OPTIFORM_PACK_WRAPPING(+) OPTIFORM_PACK_WRAPPING(-) OPTIFORM_PACK_WRAPPING(*)
  OPTIFORM_PACK_BINARY(/)
  OPTIFORM_PACK_COMPARE(<) OPTIFORM_PACK_COMPARE(<=) OPTIFORM_PACK_COMPARE(>)
  OPTIFORM_PACK_COMPARE(>=) OPTIFORM_PACK_COMPARE(==) OPTIFORM_PACK_COMPARE(!=)
  OPTIFORM_PACK_INTEGER(&) OPTIFORM_PACK_INTEGER(|) OPTIFORM_PACK_INTEGER(^)
  OPTIFORM_PACK_INTEGER(<<) OPTIFORM_PACK_INTEGER(>>)
  // clang-format on
#undef OPTIFORM_PACK_WRAPPING
#undef OPTIFORM_PACK_BINARY
#undef OPTIFORM_PACK_COMPARE
#undef OPTIFORM_PACK_INTEGER

                      friend OPTIFORM_INLINE Pack
                      operator-(Pack a) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA { return -a.part[i]; });
  }
  OPTIFORM_INLINE Pack& operator+=(Pack b) { return *this = *this + b; }
  OPTIFORM_INLINE Pack& operator-=(Pack b) { return *this = *this - b; }
  OPTIFORM_INLINE Pack& operator*=(Pack b) { return *this = *this * b; }
  OPTIFORM_INLINE Pack& operator/=(Pack b) { return *this = *this / b; }

  /// a * b + c
  friend OPTIFORM_INLINE Pack fma(Pack a, Pack b, Pack c) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return detail::fma<T>(a.part[i], b.part[i], c.part[i]);
    });
  }
  friend OPTIFORM_INLINE Pack sqrt(Pack a) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA { return detail::sqrt<T>(a.part[i]); });
  }
  /// yes where the mask is -1, no where it is 0
  friend OPTIFORM_INLINE Pack select(IntegerPack mask, Pack yes, Pack no) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return (Vector)(mask.part[i] ? yes.part[i] : no.part[i]);
    });
  }
  friend OPTIFORM_INLINE Pack max(Pack a, Pack b) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return (Vector)(a.part[i] > b.part[i] ? a.part[i] : b.part[i]);
    });
  }
  friend OPTIFORM_INLINE Pack min(Pack a, Pack b) {
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return (Vector)(a.part[i] < b.part[i] ? a.part[i] : b.part[i]);
    });
  }
  friend OPTIFORM_INLINE Pack abs(Pack a) requires std::is_floating_point_v<T> {
    constexpr auto magnitude = std::numeric_limits<Integer>::max();
    return make([&](int i) OPTIFORM_INLINE_LAMBDA {
      return (Vector)((typename IntegerPack::Vector)a.part[i] & magnitude);
    });
  }

  /// Sum of all lanes: lane i and i + Width / 2 first, and so on in halves. The same tree for
  /// every instruction set.
  friend OPTIFORM_INLINE T sum(Pack a) {
    return folded(a, [](auto x, auto y) OPTIFORM_INLINE_LAMBDA { return x + y; });
  }
  /// Largest lane.
  friend OPTIFORM_INLINE T max_lane(Pack a) {
    return folded(a, [](auto x, auto y) OPTIFORM_INLINE_LAMBDA { return x > y ? x : y; });
  }

 private:
  template <class F>
  static OPTIFORM_INLINE T folded(Pack a, F&& f) {
    if constexpr (parts > 1) {
      using Half = Pack<T, Width / 2>;
      static_assert(parts % 2 == 0, "optiform: Pack - sums need a power of two of lanes");
      return Half::folded(Half::make([&](int i) OPTIFORM_INLINE_LAMBDA {
                            return (Vector)f(a.part[i], a.part[i + parts / 2]);
                          }),
                          f);
    } else {
      return detail::fold<T, native>(a.part[0], f);
    }
  }
  template <class, int>
  friend struct Pack;
};

/// Sixteen numbers, whatever the machine: reductions over Lanes give the same result everywhere.
template <class T>
using Lanes = Pack<T, 16>;

/// Reads the same bits as numbers of another type of the same size.
template <class To, class From, int Width>
OPTIFORM_INLINE Pack<To, Width> as(Pack<From, Width> a) {
  static_assert(sizeof(To) == sizeof(From));
  return Pack<To, Width>::make(
      [&](int i) OPTIFORM_INLINE_LAMBDA { return (detail::native_vector<To>)a.part[i]; });
}

/// Numbers of another type of the same size: integers to floating point, or back by truncation.
template <class To, class From, int Width>
OPTIFORM_INLINE Pack<To, Width> convert(Pack<From, Width> a) {
  static_assert(sizeof(To) == sizeof(From));
  return Pack<To, Width>::make([&](int i) OPTIFORM_INLINE_LAMBDA {
    return __builtin_convertvector(a.part[i], detail::native_vector<To>);
  });
}

namespace detail {
/// Adding it moves the binary point to the last place, so that the sum is rounded to an integer.
template <class T>
inline constexpr T rounder = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);
}  // namespace detail

/// The nearest integer as a floating-point number, ties to even.
/// Limits    |x| <= 2^22 for float, 2^51 for double.
template <class T, int Width>
OPTIFORM_INLINE Pack<T, Width> nearest(Pack<T, Width> x) {
  return Pack<T, Width>::make([&](int i) OPTIFORM_INLINE_LAMBDA {
    const auto big = detail::broadcast<T>(detail::rounder<T>);
    return detail::opaque(x.part[i] + big) - big;
  });
}

/// The nearest integer as an integer; for doubles much cheaper than convert().
/// Limits    as nearest().
template <class T, int Width>
OPTIFORM_INLINE auto nearest_integer(Pack<T, Width> x) {
  using Integer = typename Pack<T, Width>::Integer;
  const Pack<T, Width> big(detail::rounder<T>);
  return as<Integer>(x + big) - as<Integer>(big);
}

/// Makes streamed stores visible before what follows; once per kernel and thread.
OPTIFORM_INLINE void stream_fence() {
#if defined(__SSE2__)
  __builtin_ia32_sfence();
#endif
}

OPTIFORM_NAMESPACE_END
