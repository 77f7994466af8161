// SPDX-License-Identifier: MIT
#pragma once

#include <deque>

#include <optiform/core/packed_weights.hpp>
#include <optiform/cpu/backend.hpp>
#include <optiform/cpu/context.hpp>
#include <optiform/cpu/packed_matrix.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// See the primary template. Few rows gain most, for packing w costs about as much as its product
/// with ten of them.
///
/// Contract  results are the same bits with and without.
template <class Threads, class T>
class PackedWeights<BasicCpu<PackedGemm, Threads>, T> {
 public:
  void clear() {
    found_.clear();
    matrices_.clear();
  }
  void add(Index n, Index k, const T* w) {
    const auto& matrix = matrices_.emplace_back(Transpose::yes, n, k, w, k);
    found_.add({w, n, k}, &matrix);
  }
  Index bytes() const {
    Index sum = 0;
    for (const auto& matrix : matrices_) sum += matrix.bytes();
    return sum;
  }

  class Use {
   public:
    Use(CpuContext<Threads>& context, const detail::PackedTable* table)
        : context_(context), before_(context.exchange_packed(table)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { context_.exchange_packed(before_); }

   private:
    CpuContext<Threads>& context_;
    const detail::PackedTable* before_;
  };
  Use use(CpuContext<Threads>& context) const { return Use(context, &found_); }

 private:
  std::deque<PackedMatrix<T>> matrices_;
  detail::PackedTable found_;
};

namespace detail {

/// The product x w^T through w's packed copy; false if the context uses none.
template <class Threads, class T, class Epilogue>
bool multiply_packed(CpuContext<Threads>& context, const GemmArguments<T>& g,
                     const Epilogue& epilogue) {
  if (context.packed() == nullptr || g.transpose_a == Transpose::yes ||
      g.transpose_b == Transpose::no || g.ldb != g.k)
    return false;
  const auto* const w =
      static_cast<const PackedMatrix<T>*>(context.packed()->find({g.b, g.n, g.k}));
  if (w != nullptr) w->multiply(context, g.m, g.alpha, g.a, g.lda, g.beta, g.c, g.ldc, epilogue);
  return w != nullptr;
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
