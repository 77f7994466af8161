// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <optiform/core/error.hpp>
#include <optiform/core/tensor.hpp>
#include <xtensor/xadapt.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A tensor seen as an xtensor container of fixed rank. Nothing is copied or owned.
///
///   auto x = as_xtensor(tensor);
///   x += xt::mean(x, 0);
///
/// Contract  writable where T is not const; valid as long as the tensor's memory.
template <class T, int Rank>
auto as_xtensor(TensorRef<T, Rank> tensor) {
  std::array<std::size_t, static_cast<std::size_t>(Rank)> shape;
  for (std::size_t i = 0; i < shape.size(); ++i)
    shape[i] = static_cast<std::size_t>(tensor.extent[i]);
  return xt::adapt<xt::layout_type::row_major>(tensor.data, static_cast<std::size_t>(tensor.size()),
                                               xt::no_ownership(), shape);
}

/// An xtensor container seen as a tensor: `tensor_ref<2>(x)`, const where x is.
///
/// Contract  x is row-major and contiguous (a container or an adaptor, no strided view) and
///           outlives the result, which is why a temporary is refused.
/// Errors    Error if x has another number of axes.
template <int Rank, class E>
auto tensor_ref(E& container) {
  static_assert(E::static_layout == xt::layout_type::row_major,
                "optiform: tensor_ref - a tensor is row-major and contiguous; copy the expression "
                "into an xt::xtensor first");
  if (container.dimension() != static_cast<std::size_t>(Rank))
    fail("an array of ", container.dimension(), " axes was given, expected ", Rank);
  TensorRef<std::remove_pointer_t<decltype(container.data())>, Rank> tensor;
  tensor.data = container.data();
  for (int i = 0; i < Rank; ++i)
    tensor.extent[i] = static_cast<Index>(container.shape()[static_cast<std::size_t>(i)]);
  return tensor;
}

template <int Rank, class E>
void tensor_ref(const E&& temporary) = delete;

OPTIFORM_NAMESPACE_END
