// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <optiform/core/config.hpp>
#include <optiform/core/error.hpp>
#include <optiform/cpu/context.hpp>
#include <optiform/cpu/gemm_arguments.hpp>
#include <optiform/cpu/gemm_epilogue.hpp>
#include <optiform/cpu/gemm_packed.hpp>

// A provider of matrix products is a type with
//   template <class T> static Index scratch_bytes(const GemmArguments<T>&);
//   template <class T> static void serial(std::byte* scratch, const GemmArguments<T>&);
// and, if it has its own way to split a product, also
//   template <class Context, class T, class Epilogue>
//   static void threaded(Context&, const GemmArguments<T>&, const Epilogue&);
// serial may take an epilogue as well; where it does not, C is gone over once more.
// Sizes are at least 1 when a provider is called, and errors in them have been reported.

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

template <class T>
bool gemm_has_work(const GemmArguments<T>& g) {
  if (g.m < 0 || g.n < 0 || g.k < 0)
    fail("gemm: m = ", g.m, ", n = ", g.n, ", k = ", g.k, ", expected sizes of 0 or more");
  const auto row_fits = [](const char* name, Index ld, Index row) {
    if (ld < row) fail("gemm: ", name, " = ", ld, ", expected at least a row of ", row);
  };
  if (g.m == 0 || g.n == 0) return false;
  if (g.k > 0) {
    row_fits("lda", g.lda, g.transpose_a == Transpose::no ? g.k : g.m);
    row_fits("ldb", g.ldb, g.transpose_b == Transpose::no ? g.n : g.k);
  }
  row_fits("ldc", g.ldc, g.n);
  return true;
}

/// Products too small to be worth waking threads: about ten microseconds of one core, which
/// multiplies or, where rows are few, reads.
template <class T>
bool gemm_is_small(const GemmArguments<T>& g) {
  const double read = static_cast<double>(g.n) * static_cast<double>(g.k);
  return static_cast<double>(g.m) * read < 5e5 && read < 1e5;
}

}  // namespace detail

/// Bytes of scratch memory gemm_serial needs.
template <class Gemm, class T>
Index gemm_scratch_bytes(const GemmArguments<T>& g) {
  return Gemm::scratch_bytes(g);
}

/// One product on the calling thread: what a kernel calls from inside parallel().
///
/// Contract  scratch: gemm_scratch_bytes<Gemm>(g) bytes at a multiple of 64, contents undefined.
/// Errors    negative sizes and leading dimensions shorter than a row: Error.
template <class Gemm, class T, class Epilogue = NoEpilogue>
void gemm_serial(std::byte* scratch, const GemmArguments<T>& g, const Epilogue& epilogue = {}) {
  if (!detail::gemm_has_work(g)) return;
  if constexpr (requires { Gemm::serial(scratch, g, epilogue); }) {
    Gemm::serial(scratch, g, epilogue);
  } else {
    Gemm::serial(scratch, g);
    detail::apply_epilogue(g, epilogue);
  }
}

/// The same with the context's scratch memory of that thread.
template <class Gemm, class Threads, class T, class Epilogue = NoEpilogue>
void gemm_serial(CpuContext<Threads>& context, int thread, const GemmArguments<T>& g,
                 const Epilogue& epilogue = {}) {
  gemm_serial<Gemm>(context.gemm_scratch(thread, gemm_scratch_bytes<Gemm>(g)), g, epilogue);
}

/// One product on all threads: C = epilogue(alpha op(A) op(B) + beta C).
///
/// Contract  the result does not depend on the number of threads: parts follow from the sizes, or
///           the provider gives an element the same value in any part. Inside a parallel task the
///           calling thread does all of it.
/// Errors    as gemm_serial.
template <class Gemm, class Threads, class T, class Epilogue = NoEpilogue>
void gemm(CpuContext<Threads>& context, const GemmArguments<T>& g, const Epilogue& epilogue = {}) {
  if (!detail::gemm_has_work(g)) return;
  const int inside = context.current();
  constexpr bool splits = requires { Gemm::threaded(context, g, epilogue); };
  if (detail::gemm_is_small(g) || (splits && (inside >= 0 || context.threads() == 1)))
    return gemm_serial<Gemm>(context, std::max(0, inside), g, epilogue);
  if constexpr (splits) {
    Gemm::threaded(context, g, epilogue);
  } else {
    // The provider may round differently in tiles of other sizes, so one thread has the same.
    constexpr Index rows = 128, columns = 512;
    const Index down = (g.m + rows - 1) / rows, across = (g.n + columns - 1) / columns;
    // Every thread gets its memory now, whichever comes first later on.
    const Index bytes =
        gemm_scratch_bytes<Gemm>(g.part(0, std::min(rows, g.m), 0, std::min(columns, g.n)));
    if (inside < 0)
      for (int thread = 0; thread < context.threads(); ++thread)
        context.gemm_scratch(thread, bytes);
    context.parallel(down * across, [&](Index task, int thread) {
      const Index row = task % down * rows, column = task / down * columns;
      gemm_serial<Gemm>(
          context, thread,
          g.part(row, std::min(rows, g.m - row), column, std::min(columns, g.n - column)),
          epilogue);
    });
  }
}

template <class Gemm, class Threads, class T, class Epilogue = NoEpilogue>
void gemm(CpuContext<Threads>& context, Transpose transpose_a, Transpose transpose_b, Index m,
          Index n, Index k, T alpha, const T* a, Index lda, const T* b, Index ldb, T beta, T* c,
          Index ldc, const Epilogue& epilogue = {}) {
  gemm<Gemm>(
      context,
      GemmArguments<T>{transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc},
      epilogue);
}

OPTIFORM_NAMESPACE_END
