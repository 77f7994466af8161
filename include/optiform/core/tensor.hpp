// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/config.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Memory that ordinary C++ code may read and write.
struct HostSpace {};

/// A view of a dense row-major array: a pointer and its extents, nothing owned.
///
/// Shapes    extent[0] is the slowest index, extent[Rank - 1] the contiguous one.
/// Contract  trivially copyable; crosses a kernel launch by value.
template <class T, int Rank, class Space = HostSpace>
struct TensorRef {
  using value_type = std::remove_const_t<T>;
  static constexpr int rank = Rank;

  T* data = nullptr;
  Index extent[Rank]{};

  OPTIFORM_HD constexpr Index size() const noexcept {
    Index product = 1;
    for (int i = 0; i < Rank; ++i) product *= extent[i];
    return product;
  }

  template <class... I>
    requires(sizeof...(I) == Rank)
  OPTIFORM_HD constexpr T& operator()(I... i) const noexcept {
    const Index at[Rank] = {static_cast<Index>(i)...};
    Index offset = 0;
    for (int axis = 0; axis < Rank; ++axis) offset = offset * extent[axis] + at[axis];
    return data[offset];
  }

  /// First element of row i of the leading axis.
  OPTIFORM_HD constexpr T* row(Index i) const noexcept {
    Index stride = 1;
    for (int axis = 1; axis < Rank; ++axis) stride *= extent[axis];
    return data + i * stride;
  }

  /// Views are read-only on request, never writable again.
  OPTIFORM_HD constexpr operator TensorRef<const T, Rank, Space>() const noexcept
      requires(!std::is_const_v<T>) {
    TensorRef<const T, Rank, Space> view;
    view.data = data;
    for (int i = 0; i < Rank; ++i) view.extent[i] = extent[i];
    return view;
  }
};

OPTIFORM_NAMESPACE_END
