// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/config.hpp>
#include <optiform/core/dual.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Code written for one number runs on a pack of them, one problem per lane, if it says `select`
/// where it would branch. A pack is any type with `value_type` and `width`, such as Pack<double>.
template <class T>
concept Packed = requires {
  typename T::value_type;
  T::width;
};

namespace detail {
template <class T>
struct lanes_of {
  using number = T;
  static constexpr int count = 1;
};
template <Packed T>
struct lanes_of<T> {
  using number = typename T::value_type;
  static constexpr int count = T::width;
};
}  // namespace detail

/// Problems that one T carries, and the number each of them is made of.
template <class T>
inline constexpr int lane_count = detail::lanes_of<T>::count;
template <class T>
using lane_number = typename detail::lanes_of<T>::number;

/// The number of one lane; arrays of T are arrays of lane_number<T> in memory.
template <class T>
lane_number<T>& lane(T& packed, int index) {
  return reinterpret_cast<lane_number<T>*>(&packed)[index];
}
template <class T>
const lane_number<T>& lane(const T& packed, int index) {
  return reinterpret_cast<const lane_number<T>*>(&packed)[index];
}

namespace detail {
/// A number in every lane.
template <class T>
constexpr T constant(double number) {
  return T(static_cast<lane_number<T>>(number));
}
}  // namespace detail

/// yes where the mask holds, no elsewhere. Packs bring their own.
template <class T>
  requires(!Packed<T>)
constexpr T select(bool mask, T yes, T no) { return mask ? yes : no; }

/// -1, 0 or 1, with derivative 0; not a number stays it.
template <class T>
OPTIFORM_INLINE constexpr T sign(T a) {
  return select(a > T(0), T(1), select(a < T(0), T(-1), T(0) * a));
}

/// Whether a comparison holds in some lane.
constexpr bool any(bool mask) { return mask; }
template <Packed Mask>
bool any(const Mask& mask) {
  for (int i = 0; i < Mask::width; ++i)
    if (mask[i] != 0) return true;
  return false;
}

/// Whether a comparison holds in one lane.
constexpr bool holds(bool mask, int) { return mask; }
template <Packed Mask>
bool holds(const Mask& mask, int lane) {
  return mask[lane] != 0;
}

OPTIFORM_NAMESPACE_END
