// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <optiform/core/tensor.hpp>

// GCC 12 calls its own AVX-512 intrinsics uninitialised when Eigen inlines them (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

template <class T, int Columns>
using EigenRows = Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Columns,
                                Columns == 1 ? Eigen::ColMajor : Eigen::RowMajor>;

template <class T, int Columns>
using EigenView = Eigen::Map<
    std::conditional_t<std::is_const_v<T>, const EigenRows<T, Columns>, EigenRows<T, Columns>>>;

}  // namespace detail

/// A matrix seen by Eigen: an unaligned row-major Map. Nothing is copied or owned.
///
///   as_eigen(c).noalias() = as_eigen(a) * as_eigen(b).transpose();
///
/// Contract  writable where T is not const; valid as long as the tensor's memory.
template <class T>
detail::EigenView<T, Eigen::Dynamic> as_eigen(TensorRef<T, 2> matrix) {
  return {matrix.data, matrix.extent[0], matrix.extent[1]};
}

/// A vector seen by Eigen: a column.
template <class T>
detail::EigenView<T, 1> as_eigen(TensorRef<T, 1> vector) {
  return {vector.data, vector.extent[0]};
}

/// An Eigen matrix (row-major) or vector seen as a tensor, const where it is.
///
/// Contract  holds for matrices, vectors and Maps without strides, which must outlive the
///           result; for a temporary there is no overload.
template <class Derived>
auto tensor_ref(Eigen::PlainObjectBase<Derived>& matrix) {
  static_assert(Derived::IsVectorAtCompileTime || Derived::IsRowMajor,
                "optiform: tensor_ref - a tensor is row-major; add Eigen::RowMajor to the type");
  constexpr int rank = Derived::IsVectorAtCompileTime ? 1 : 2;
  TensorRef<typename Derived::Scalar, rank> tensor;
  tensor.data = matrix.data();
  if constexpr (rank == 1)
    tensor.extent[0] = matrix.size();
  else
    tensor.extent[0] = matrix.rows(), tensor.extent[1] = matrix.cols();
  return tensor;
}

template <class Derived>
auto tensor_ref(const Eigen::PlainObjectBase<Derived>& matrix) {
  const auto writable = tensor_ref(const_cast<Eigen::PlainObjectBase<Derived>&>(matrix));
  return TensorRef<const typename Derived::Scalar, decltype(writable)::rank>(writable);
}

template <class Derived>
void tensor_ref(const Eigen::PlainObjectBase<Derived>&& temporary) = delete;

OPTIFORM_NAMESPACE_END
