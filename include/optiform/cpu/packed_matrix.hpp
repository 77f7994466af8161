// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/core/memory.hpp>
#include <optiform/cpu/context.hpp>
#include <optiform/cpu/gemm.hpp>
#include <optiform/cpu/gemm_packed.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The right operand of many products, packed once: weights of inference.
///
///   const PackedMatrix<float> weight(Transpose::yes, outputs, inputs, w, inputs);
///   weight.multiply(context, rows, 1.0f, x, inputs, 0.0f, y, outputs);
///
/// Shapes    op(B) [k, n] as in GemmArguments; multiply: A [m, k], C [m, n].
/// Contract  a copy: later changes of B are not seen. The same bits as gemm<PackedGemm>, for any
///           number of threads. Made for m up to a few hundred.
/// Errors    negative sizes and leading dimensions shorter than a row: Error.
template <class T>
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(Transpose transpose_b, Index n, Index k, const T* b, Index ldb) : n_(n), k_(k) {
    GemmArguments<T> g;
    g.transpose_b = transpose_b;
    g.m = 1, g.n = n, g.k = k;
    g.lda = k, g.ldc = n;
    g.b = b, g.ldb = ldb;
    if (!detail::gemm_has_work(g)) return;
    panels_.extent = n;
    data_.reset(panels_.first_column(panels_.count()) * k);
    const Index steps_most = PackedGemm::depth_of(k);
    for (Index at = 0; at < k; at += steps_most)
      for (Index p = 0; p < panels_.count(); ++p) {
        const Index steps = std::min(steps_most, k - at);
        detail::pack_b(g, panels_, p, at, steps, panel(p, at, steps));
      }
  }

  Index rows() const { return k_; }
  Index columns() const { return n_; }
  Index bytes() const { return data_.size() * static_cast<Index>(sizeof(T)); }

  /// C = epilogue(alpha A op(B) + beta C) on all threads.
  template <class Threads, class Epilogue = NoEpilogue>
  void multiply(CpuContext<Threads>& context, Index m, T alpha, const T* a, Index lda, T beta, T* c,
                Index ldc, const Epilogue& epilogue = {}) const {
    GemmArguments<T> g{Transpose::no, Transpose::no, m,  n_,   k_, alpha, a,
                       lda,           nullptr,       n_, beta, c,  ldc};
    if (!detail::gemm_has_work(g)) return;
    if (k_ == 0 || alpha == T(0)) {
      detail::scale(g);
      return detail::apply_epilogue(g, epilogue);
    }
    constexpr Index block_rows = PackedGemm::block_rows;
    const Index steps_most = PackedGemm::depth_of(k_);
    const Index rows_most = PackedGemm::rows_of(m, block_rows);
    const Index bytes = PackedGemm::bytes<T>(k_, rows_most);
    const int inside = context.current();
    if (inside < 0)
      for (int thread = 0; thread < context.threads(); ++thread)
        context.gemm_scratch(thread, bytes);
    // Every thread takes some panels, and packs the rows for itself.
    const Index parts = detail::gemm_is_small(g) ? 1 : context.threads();
    const Index share = (panels_.count() + parts - 1) / parts;
    context.parallel((panels_.count() + share - 1) / share, [&](Index task, int thread) {
      T* const packed_a = reinterpret_cast<T*>(context.gemm_scratch(thread, bytes));
      for (Index row = 0; row < m; row += rows_most) {
        const auto rows = g.part(row, std::min(rows_most, m - row), 0, n_);
        for (Index k = 0; k < k_; k += steps_most) {
          const Index steps = std::min(steps_most, k_ - k);
          detail::pack_a(rows, k, steps, packed_a);
          for (Index p = task * share; p < std::min(panels_.count(), (task + 1) * share); ++p)
            PackedGemm::panel(rows, k, steps, packed_a, panels_, p, panel(p, k, steps), epilogue);
        }
      }
    });
  }

 private:
  /// Pieces of depth one after the other, in each the panels.
  Index offset(Index p, Index k, Index steps) const {
    return panels_.first_column(panels_.count()) * k + panels_.first_column(p) * steps;
  }
  T* panel(Index p, Index k, Index steps) { return data_.data() + offset(p, k, steps); }
  const T* panel(Index p, Index k, Index steps) const { return data_.data() + offset(p, k, steps); }

  Index n_ = 0, k_ = 0;
  detail::ColumnPanels<T> panels_{0};
  Buffer<T> data_;
};

OPTIFORM_NAMESPACE_END
