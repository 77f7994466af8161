// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/weights/matrix_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A square matrix for each side of each matrix of a group: left [rows, rows] and right [columns,
/// columns]; none for sides longer than `longest`.
class KroneckerLayout {
 public:
  struct Side {
    Index length = 0;  ///< 0: this side has none
    Index at = 0;      ///< first element of its square matrix
  };
  struct Sides {
    Side left, right;
    int count() const { return (left.length > 0) + (right.length > 0); }
    Index longest() const { return std::max(left.length, right.length); }
  };

  KroneckerLayout(const MatrixGroup& group, Index longest)
      : sides_(static_cast<std::size_t>(group.count())) {
    group.each([&](const MatrixGroup::Matrix& m) {
      Sides& sides = sides_[static_cast<std::size_t>(m.number)];
      if (m.rows <= longest) sides.left.length = m.rows;
      if (m.columns <= longest) sides.right.length = m.columns;
    });
    for (Sides& sides : sides_)
      for (Side* side : {&sides.left, &sides.right}) {
        constexpr Index unit = ParameterTable::alignment;
        side->at = total_;
        total_ += (side->length * side->length + unit - 1) / unit * unit;
      }
  }

  const Sides& of(const MatrixGroup::Matrix& m) const {
    return sides_[static_cast<std::size_t>(m.number)];
  }
  /// Elements of all square matrices.
  Index total() const { return total_; }

 private:
  std::vector<Sides> sides_;
  Index total_ = 0;
};

/// old S + fresh G G^T on the left, G^T G on the right, in place.
/// Shapes  gradient, dense, as the matrix; squares by the layout.
template <class Backend, class T>
void add_covariances(context_t<Backend>& context, const MatrixGroup::Matrix& m,
                     const KroneckerLayout::Sides& sides, double old, double fresh,
                     const T* gradient, T* squares) {
  using K = kernels<Backend>;
  T *const left = squares + sides.left.at, *const right = squares + sides.right.at;
  if (sides.left.length > 0)
    K::symmetric_product(context, Transpose::no, m.rows, m.columns, T(fresh), gradient, m.columns,
                         T(old), static_cast<const T*>(left), T(0), left);
  if (sides.right.length > 0)
    K::symmetric_product(context, Transpose::yes, m.columns, m.rows, T(fresh), gradient, m.columns,
                         T(old), static_cast<const T*>(right), T(0), right);
}

/// y = alpha left x right^T + beta y, or with both transposed: alpha left^T x right. A side without
/// a square matrix is the identity.
/// Shapes  x, y as the matrix, dense, apart; scratch [rows, columns]; squares by the layout.
template <class Backend, class T>
void multiply_sides(context_t<Backend>& context, const MatrixGroup::Matrix& m,
                    const KroneckerLayout::Sides& sides, Transpose transpose, double alpha,
                    const T* squares, const T* x, T* scratch, double beta, T* y) {
  using K = kernels<Backend>;
  const Index rows = m.rows, columns = m.columns;
  const Transpose other = transpose == Transpose::no ? Transpose::yes : Transpose::no;
  const bool left = sides.left.length > 0, right = sides.right.length > 0;
  if (left)
    K::gemm(context, transpose, Transpose::no, rows, columns, rows, right ? T(1) : T(alpha),
            squares + sides.left.at, rows, x, columns, right ? T(0) : T(beta), right ? scratch : y,
            columns);
  if (right)
    K::gemm(context, Transpose::no, other, rows, columns, columns, T(alpha), left ? scratch : x,
            columns, squares + sides.right.at, columns, T(beta), y, columns);
  if (!left && !right)
    for (Index i = 0; i < m.size(); ++i)
      y[i] = beta == 0 ? T(alpha) * x[i] : T(alpha) * x[i] + T(beta) * y[i];
}

OPTIFORM_NAMESPACE_END
