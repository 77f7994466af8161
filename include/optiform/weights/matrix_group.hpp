// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The matrices of some roles and the order in which threads take them: small ones are shared out,
/// one per thread, of large ones the products are threaded. Which is which follows from the shape.
///
/// Errors    a tensor of another number of dimensions.
class MatrixGroup {
 public:
  struct Matrix {
    Index rows, columns;
    Index offset, stream;  ///< first element in the table, and in the group's streams
    Index number;          ///< place among the group's matrices, in the table's order
    std::vector<TensorGroup::Piece> pieces;

    Index size() const { return rows * columns; }
    /// Multiplications of one product with the smaller square matrix.
    double work() const {
      return static_cast<double>(size()) * static_cast<double>(std::min(rows, columns));
    }
    bool is_small() const { return work() <= 3e8; }
  };

  MatrixGroup(const char* optimizer, const ParameterTable& table, Roles roles) {
    const TensorGroup group(table, roles);
    total_ = group.total();
    for (const TensorGroup::Tensor& tensor : group.tensors()) {
      const ParameterInfo& p = *tensor.info;
      if (p.shape.size() != 2)
        fail(optimizer, ": parameter '", p.name, "' has ", p.shape.size(),
             " dimensions; expected a matrix");
      Matrix matrix{p.shape[0], p.shape[1], p.offset, tensor.stream, count_++, {}};
      TensorGroup::append_pieces(matrix.pieces, tensor);
      (matrix.is_small() ? small_ : large_).push_back(std::move(matrix));
    }
    longest_first();  // so that threads end together
  }

  Index count() const { return count_; }
  /// Elements of one stream.
  Index total() const { return total_; }

  /// Calls f(matrix, scratch) for every matrix, where scratch holds `elements(matrix)` numbers. The
  /// memory grows in the first call only.
  template <class Context, class T, class Elements, class F>
  void each(Context& context, Buffer<T>& memory, Elements&& elements, F&& f) const {
    const auto most = [&](const std::vector<Matrix>& matrices) {
      constexpr Index unit = ParameterTable::alignment;
      Index all = 0;
      for (const Matrix& m : matrices) all = std::max(all, elements(m));
      return (all + unit - 1) / unit * unit;
    };
    const Index small = most(small_);
    const Index all = std::max(most(large_), small * context.threads());
    if (memory.size() < all) memory.reset(all);
    context.parallel(static_cast<Index>(small_.size()), [&](Index i, int thread) {
      f(small_[static_cast<std::size_t>(i)], memory.data() + thread * small);
    });
    for (const Matrix& m : large_) f(m, memory.data());
  }

  /// Copies the matrices from one vector of all parameters to another.
  template <class Backend, class T>
  void copy(context_t<Backend>& context, const T* from, T* to) const {
    each([&](const Matrix& m) {
      kernels<Backend>::copy(context, m.size(), from + m.offset, to + m.offset);
    });
  }
  /// Makes the matrices of a vector of all parameters zero.
  template <class Backend, class T>
  void clear(context_t<Backend>& context, T* vector) const {
    each([&](const Matrix& m) {
      kernels<Backend>::fill(context, m.size(), T(0), vector + m.offset);
    });
  }
  /// Calls f(matrix) for every matrix, in no particular order.
  template <class F>
  void each(F&& f) const {
    for (const Matrix& m : small_) f(m);
    for (const Matrix& m : large_) f(m);
  }

 private:
  void longest_first() {
    for (std::size_t end = 1; end < small_.size(); ++end)
      for (std::size_t i = end; i > 0 && small_[i - 1].work() < small_[i].work(); --i)
        std::swap(small_[i - 1], small_[i]);
  }

  std::vector<Matrix> small_, large_;
  Index count_ = 0, total_ = 0;
};

OPTIFORM_NAMESPACE_END
