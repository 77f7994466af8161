// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <optiform/core/backend.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/weights/tensor_group.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// std::max without the algorithms of the standard library, which take long to parse.
inline Index larger(Index a, Index b) { return a < b ? b : a; }

}  // namespace detail

/// The matrices of some roles and the order in which threads take them: small ones are shared out,
/// one per thread, of large ones the products are threaded. Which is which follows from those
/// products, which may depend on shapes and options only.
///
/// Errors    a tensor of another number of dimensions.
class MatrixGroup {
 public:
  /// Multiplications of a step: of products, which threads can share, and of what one does alone.
  struct Work {
    double products = 0, alone = 0;
    double all() const { return products + alone; }
  };
  struct Matrix {
    Index rows, columns;
    Index offset, stream;  ///< first element in the table, and in the group's streams
    Index number;          ///< place among the group's matrices, in the table's order
    std::vector<TensorGroup::Piece> pieces;
    Work work;

    Index size() const { return rows * columns; }
    /// Up to about a tenth of a second on one core.
    bool is_small() const { return work.products <= 3.5e9; }
  };

  /// `work(matrix)` is the Work of an optimizer's step.
  template <class F>
  MatrixGroup(const char* optimizer, const ParameterTable& table, Roles roles, F&& work) {
    const TensorGroup group(table, roles);
    total_ = group.total();
    for (const TensorGroup::Tensor& tensor : group.tensors()) {
      const ParameterInfo& p = *tensor.info;
      if (p.shape.size() != 2)
        fail(optimizer, ": parameter '", p.name, "' has ", p.shape.size(),
             " dimensions; expected a matrix");
      Matrix matrix{p.shape[0], p.shape[1], p.offset, tensor.stream, count_++, {}, {}};
      TensorGroup::append_pieces(matrix.pieces, tensor);
      matrix.work = work(matrix);
      (matrix.is_small() ? small_ : large_).push_back(std::move(matrix));
    }
    longest_first();  // so that threads end together
  }

  Index count() const { return count_; }
  /// Elements of one stream.
  Index total() const { return total_; }

  /// What `each` takes on so many threads if a matrix takes `amount(matrix)`: as much per thread as
  /// any small matrix, or as any large one.
  template <class Amount>
  Index at_once(int threads, Amount&& amount) const {
    return detail::larger(most(large_, amount), threads * most(small_, amount));
  }

  /// Calls f(matrix, scratch) for every matrix, where scratch holds `elements(matrix)` numbers. The
  /// memory grows in the first call only, to `at_once` numbers.
  template <class Context, class T, class Elements, class F>
  void each(Context& context, Buffer<T>& memory, Elements&& elements, F&& f) const {
    const Index all = at_once(context.threads(), elements);
    if (memory.size() < all) memory.reset(all);
    const Index share = most(small_, elements);
    context.parallel(static_cast<Index>(small_.size()), [&](Index i, int thread) {
      f(small_[static_cast<std::size_t>(i)], memory.data() + thread * share);
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
  /// The most that one of some matrices takes, in whole cache lines.
  template <class Amount>
  static Index most(const std::vector<Matrix>& matrices, Amount&& amount) {
    constexpr Index unit = ParameterTable::alignment;
    Index all = 0;
    for (const Matrix& m : matrices) all = detail::larger(all, amount(m));
    return (all + unit - 1) / unit * unit;
  }
  void longest_first() {
    for (std::size_t end = 1; end < small_.size(); ++end)
      for (std::size_t i = end; i > 0 && small_[i - 1].work.all() < small_[i].work.all(); --i)
        std::swap(small_[i - 1], small_[i]);
  }

  std::vector<Matrix> small_, large_;
  Index count_ = 0, total_ = 0;
};

OPTIFORM_NAMESPACE_END
