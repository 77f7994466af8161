// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/launch.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace cuda {

/// Whether a program adds up gradients over rows.
template <class P>
constexpr bool sums_over_rows() {
  for (short o = 0; o < P::graph.outputs; ++o)
    if (P::graph.output[o].sink == Sink::coefficient_gradient ||
        P::graph.output[o].sink == Sink::column_gradient)
      return true;
  return false;
}

/// Threads that share one row of a program: the fewest warps that leave a thread at most 90 values
/// to hold (inputs, scratch rows and gradients of gains), so that none spill. Rows whose length is
/// known at run time only are cut among 256 threads.
///
/// Source    register counts of the derived kernels on sm_90.
template <class P>
constexpr int threads_per_row(Index length) {
  constexpr int warp = 32, most_warps = 32, most_values = 90;
  if (length == 0) return 256;
  int held = P::graph.inputs + P::plan.scratch_rows;
  for (short o = 0; o < P::graph.outputs; ++o)
    if (P::graph.output[o].sink == Sink::column_gradient) ++held;
  for (int warps = 1; warps < most_warps; ++warps) {
    const Index elements = (length + warps * warp - 1) / (warps * warp);
    if (elements * held <= most_values) return warps * warp;
  }
  return most_warps * warp;
}

/// Groups of threads that go over the rows of one run. Gradients are summed per worker, then over
/// workers in their order: the number depends on the rows alone, never on the device.
template <class P>
constexpr Index row_workers(Index rows) {
  constexpr Index most = 512;
  return sums_over_rows<P>() && rows > most ? most : rows;
}

/// Bytes of partial gradients of one run.
template <class P, class T>
constexpr Index row_partial_bytes(Index rows, Index length) {
  if (!sums_over_rows<P>()) return 0;
  return row_workers<P>(rows) * (P::graph.coefficients * static_cast<Index>(sizeof(double)) +
                                 P::graph.columns * length * static_cast<Index>(sizeof(T)));
}

/// What a kernel needs of RowArguments, by value. Pointers are the device's.
///
/// Shapes    coefficient_partial: [workers, coefficients]; column_partial: [workers, columns,
///           length]; both overwritten.
template <class P, class T>
struct RowPass {
  static constexpr int at_least_one(int n) { return n > 0 ? n : 1; }

  Index rows = 0, length = 0;
  const T* input[at_least_one(P::graph.inputs)]{};
  T* output[at_least_one(P::graph.stores)]{};
  const T* column[at_least_one(P::graph.columns)]{};
  T* statistic = nullptr;
  T launch[P::graph.nodes]{};  ///< by node; those that are the same for every row
  double* coefficient_partial = nullptr;
  T* column_partial = nullptr;

  RowPass() = default;
  explicit RowPass(const RowArguments<T>& a) : rows(a.rows), length(a.length) {
    for (short i = 0; i < P::graph.inputs; ++i) input[i] = a.input[i];
    for (short i = 0; i < P::graph.stores; ++i) output[i] = a.output[i];
    for (short i = 0; i < P::graph.columns; ++i) column[i] = a.column[i];
    statistic = a.statistic;
    double value[P::graph.nodes]{};
    launch_values(P::graph, a, value);
    for (short i = 0; i < P::graph.nodes; ++i) launch[i] = static_cast<T>(value[i]);
  }
};

}  // namespace cuda

OPTIFORM_NAMESPACE_END
