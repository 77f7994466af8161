// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/cpu/row_kernel.hpp>
#include <optiform/rules/launch.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Runs a row program on all threads of a context.
///
/// Shapes    Length is the compile-time row length, or 0 to take a.length.
/// Contract  rows are cut into chunks by their number alone; partial sums are added in chunk order.
template <class P, Index Length = 0, class Context, class T>
void run_rows(Context& context, const RowArguments<T>& a) {
  using Kernel = RowKernel<P, T, Length>;
  constexpr Index coefficients = P::graph.coefficients, columns = P::graph.columns;
  constexpr bool sums = [] {
    for (short o = 0; o < P::graph.outputs; ++o)
      if (P::graph.output[o].sink == Sink::coefficient_gradient ||
          P::graph.output[o].sink == Sink::column_gradient)
        return true;
    return false;
  }();
  if (a.rows == 0 || a.length == 0) return;
  double launch[P::graph.nodes]{};
  launch_values(P::graph, a, launch);

  const Index chunk = row_chunk(a.rows), chunks = row_chunks(a.rows);
  auto* const coefficient_partial = reinterpret_cast<double*>(a.workspace);
  auto* const column_partial = reinterpret_cast<T*>(coefficient_partial + chunks * coefficients);
  context.reserve_scratch(Kernel::scratch_bytes(a.length));
  context.parallel(chunks, [&](Index c, int thread) {
    double* const of_coefficients = sums ? coefficient_partial + c * coefficients : nullptr;
    T* const of_columns = sums ? column_partial + c * columns * a.length : nullptr;
    if constexpr (sums) {
      for (Index i = 0; i < coefficients; ++i) of_coefficients[i] = 0;
      for (Index i = 0; i < columns * a.length; ++i) of_columns[i] = T(0);
    }
    auto* const scratch =
        reinterpret_cast<T*>(context.scratch(thread, Kernel::scratch_bytes(a.length)));
    const Index first = c * chunk, last = first + chunk < a.rows ? first + chunk : a.rows;
    Kernel::run(a, launch, first, last, scratch, of_coefficients, of_columns);
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

OPTIFORM_NAMESPACE_END
