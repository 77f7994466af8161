// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/core/dual.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {
template <class T>
struct wide {
  using type = double;
};
template <class T>
struct wide<Dual<T>> {
  using type = Dual<T>;
};
}  // namespace detail

/// The scalar in which few, important numbers are kept beside rows of T: coefficients and their
/// gradients. double for float and double; a dual number stays one, so that nothing is lost.
template <class T>
using wide_t = typename detail::wide<T>::type;

OPTIFORM_NAMESPACE_END
