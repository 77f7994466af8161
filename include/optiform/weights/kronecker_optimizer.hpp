// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <optiform/core/orthonormal_basis.hpp>
#include <optiform/weights/kronecker_factors.hpp>
#include <optiform/weights/matrix_optimizer.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What optimizers with a covariance for each side of each matrix have in common: the covariances,
/// what they make of them every `interval` steps (a basis, a root), and the memory of it.
///
/// Contract  Numbers is that of a MatrixOptimizer with `interval` and `max_dimension`. Derived has
///             name, square_name (of a covariance's basis or root), moments (their number)
///             static Index scratch_elements(matrix, sides),
///             static Index basis_bytes(Index n), what orthonormal_basis takes for a side of n,
///             void train(Context&, matrix, sides, T* x, const T* gradient, double factor,
///                        double rate, T* scratch),
///           one step of one matrix.
/// Errors    an interval below 1.
template <class Derived, class Backend, class T, class Numbers>
class KroneckerOptimizer : public MatrixOptimizer<Derived, Backend, T, Numbers> {
  using Base = MatrixOptimizer<Derived, Backend, T, Numbers>;
  friend Base;

 public:
  using typename Base::Context;

  /// Bytes of the moments, covariances and squares of these tensors, and of the scratch memory of
  /// so many threads. Where several compute bases at once it counts as if all did.
  static Index planned_bytes(const ParameterTable& table, const Numbers& options, int threads,
                             Roles roles = {Role::matrix}) {
    const MatrixGroup group = group_of(table, options, roles);
    const KroneckerLayout layout(group, options.max_dimension);
    const Index elements = Derived::moments * group.total() + 2 * layout.total() +
                           group.at_once(threads, [&](const Matrix& m) {
                             return Derived::scratch_elements(m, layout.of(m));
                           });
    return elements * static_cast<Index>(sizeof(T)) + group.at_once(threads, [&](const Matrix& m) {
      return Derived::basis_bytes(layout.of(m).longest());
    });
  }

  /// Moments come first, in Derived.
  std::vector<NamedStream<T>> streams() {
    return {{"covariance", covariance_.data(), covariance_.size()},
            {Derived::square_name, square_.data(), square_.size()}};
  }

 protected:
  using typename Base::Matrix;
  using Side = KroneckerLayout::Side;
  using Sides = KroneckerLayout::Sides;
  using Base::group_, Base::options_;

  KroneckerOptimizer(const ParameterTable& table, const Numbers& options, Roles roles)
      : Base(Derived::name, group_of(table, options, roles), options),
        sides_(group_, options.max_dimension) {
    if (options.interval < 1)
      fail(Derived::name, ": interval is ", options.interval, " steps; expected at least 1");
    covariance_.reset(sides_.total());
    square_.reset(sides_.total());
  }

  /// Whether this step computes bases or roots.
  bool refreshes() const { return (this->clock() - 1) % options_.interval == 0; }

  Buffer<T> covariance_, square_;

 private:
  static MatrixGroup group_of(const ParameterTable& table, const Numbers& options, Roles roles) {
    return MatrixGroup(Derived::name, table, roles, [&](const Matrix& m) {
      MatrixGroup::Work work;
      for (const Index side : {m.rows, m.columns}) {
        const auto n = static_cast<double>(side), product = n * static_cast<double>(m.size());
        if (side <= options.max_dimension) {
          work.products += 2.5 * product;  // the covariance, there and back
          work.alone += n * n * n / static_cast<double>(options.interval);  // a basis or root
        }
      }
      return work;
    });
  }

  template <bool Clear>
  void run(Context& context, T* values, typename Base::template Gradients<Clear>* gradients,
           double gradient_factor, double rate) {
    group_.each(
        context, scratch_,
        [&](const Matrix& m) { return Derived::scratch_elements(m, sides_.of(m)); },
        [&](const Matrix& m, T* scratch) {
          static_cast<Derived&>(*this).train(context, m, sides_.of(m), values + m.offset,
                                             gradients + m.offset, gradient_factor, rate, scratch);
        });
    if constexpr (Clear) group_.template clear<Backend>(context, gradients);
  }

  KroneckerLayout sides_;
  Buffer<T> scratch_;
};

OPTIFORM_NAMESPACE_END
