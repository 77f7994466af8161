// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

#include <optiform/core/memory.hpp>
#include <optiform/cpu/staged_rows.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

/// Bytes by which `row_scratch` may move a block.
inline constexpr Index most_stagger = 4096;

/// The part of `block` whose rows lie half a step away from those of `rows`, modulo a page. A load
/// waits for an earlier store whose address has the same low twelve bits; where rows and scratch
/// run side by side in step, that is every load, and a program takes half as long again.
template <class T>
T* row_scratch(std::byte* block, const T* rows, Index length) {
  const auto stride = (static_cast<std::size_t>(length) * sizeof(T)) | most_stagger;
  const std::size_t step = stride & (~stride + 1);  // rows lie at multiples of it, plus a constant
  const auto wanted = reinterpret_cast<std::size_t>(rows) + step / 2;
  const std::size_t stagger = (wanted - reinterpret_cast<std::size_t>(block)) % step;
  return reinterpret_cast<T*>(block + stagger / memory_alignment * memory_alignment);
}

}  // namespace detail

/// Runs a row program on all threads of a context.
///
/// Shapes    Length is the compile-time row length, or 0 to take a.length; row operations take a
///           row for heads x head_dim and need both.
/// Contract  rows are cut into chunks by their number alone; partial sums are added in the order
///           of the chunks.
template <class P, Index Length = 0, int Heads = 0, class Context, class T>
void run_rows(Context& context, const RowArguments<T>& a) {
  using Rows =
      std::conditional_t<P::graph.is_staged(), StagedRows<P, T, unit_shape<P, Length, Heads>()>,
                         PlainRows<P, T, Length>>;
  constexpr Index coefficients = P::graph.coefficients, columns = P::graph.columns;
  constexpr bool sums = [] {
    for (short o = 0; o < P::graph.outputs; ++o)
      if (P::graph.output[o].sink == Sink::coefficient_gradient ||
          P::graph.output[o].sink == Sink::column_gradient)
        return true;
    return false;
  }();
  if (a.rows == 0 || a.length == 0) return;
  const Rows rows(a);

  const Index chunk = row_chunk(a.rows), chunks = row_chunks(a.rows);
  auto* const coefficient_partial = reinterpret_cast<double*>(a.workspace);
  T* const column_partial =
      sums ? reinterpret_cast<T*>(coefficient_partial + chunks * coefficients) : nullptr;
  const Index scratch_bytes = Rows::scratch_bytes(a.length) + detail::most_stagger;
  context.reserve_scratch(scratch_bytes);
  context.parallel(chunks, [&](Index c, int thread) {
    double* const of_coefficients = sums ? coefficient_partial + c * coefficients : nullptr;
    T* const of_columns = sums ? column_partial + c * columns * a.length : nullptr;
    if constexpr (sums) {
      for (Index i = 0; i < coefficients; ++i) of_coefficients[i] = 0;
      for (Index i = 0; i < columns * a.length; ++i) of_columns[i] = T(0);
    }
    T* const scratch =
        detail::row_scratch(context.scratch(thread, scratch_bytes), a.input[0], a.length);
    const Index first = c * chunk, last = first + chunk < a.rows ? first + chunk : a.rows;
    rows.run(first, last, scratch, of_coefficients, of_columns);
  });
  if constexpr (!sums) return;
  for (Index c = 0; c < chunks; ++c) {
    if (a.coefficient_gradient != nullptr)
      for (Index i = 0; i < coefficients; ++i)
        a.coefficient_gradient[i] += coefficient_partial[c * coefficients + i];
    for (Index column = 0; column < columns; ++column) {
      const T* const partial = column_partial + (c * columns + column) * a.length;
      T* const gradient = a.column_gradient[column];
      if (gradient == nullptr) continue;
      for (Index e = 0; e < a.length; ++e) gradient[e] += partial[e];
    }
  }
}

/// Runs an elementwise row program on many arrays in one parallel region: a task per array.
///
/// Contract  arguments(Index i) returns the RowArguments of array i, and is called by any thread.
template <class P, class Context, class F>
void run_rows_batch(Context& context, Index count, F&& arguments) {
  static_assert(!P::graph.is_staged(),
                "optiform: run_rows_batch - the program takes row operations; run them one by one");
  static_assert(P::plan.sweeps <= 1 && P::plan.scratch_rows == 0,
                "optiform: run_rows_batch - the program sums over its rows; run them one by one");
  context.parallel(count, [&](Index i, int) {
    const auto run = []<class T>(const RowArguments<T>& a) {
      double launch[P::graph.nodes]{};
      launch_values(P::graph, a, launch);
      RowKernel<P, T, 0>::run(a, launch, 0, a.rows, nullptr, nullptr, nullptr);
    };
    run(arguments(i));
  });
}

OPTIFORM_NAMESPACE_END
