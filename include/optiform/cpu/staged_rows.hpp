// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <optiform/core/memory.hpp>
#include <optiform/cpu/row_kernel.hpp>
#include <optiform/cpu/row_operations.hpp>
#include <optiform/rules/launch.hpp>
#include <optiform/rules/operations.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One row program on the rows of a chunk; see RowKernel.
template <class P, class T, Index Length>
class PlainRows {
 public:
  explicit PlainRows(const RowArguments<T>& a) : a_(a) { launch_values(P::graph, a, launch_); }

  static Index scratch_bytes(Index length) { return Kernel::scratch_bytes(length); }

  void run(Index first, Index last, T* scratch, double* coefficient_gradient,
           T* column_gradient) const {
    Kernel::run(a_, launch_, first, last, scratch, coefficient_gradient, column_gradient);
  }

 private:
  using Kernel = RowKernel<P, T, Length>;
  const RowArguments<T>& a_;
  double launch_[P::graph.nodes]{};
};

/// A program with row operations on the rows of a chunk: a few rows go through all its stages while
/// they lie in the cache, so that what is between the stages never reaches memory.
///
/// Shapes    S is what the operations take a row for; its size is the row length.
/// Contract  a row's result does not depend on the rows beside it.
/// See       Stages; ReferenceRows, the specification.
template <class P, class T, UnitShape S>
class StagedRows {
 public:
  explicit StagedRows(const RowArguments<T>& a) : a_(a) {
    each_stage([&]<int I>() {
      if constexpr (stages.stage[I].is_rows()) {
        RowArguments<T> of_unit = a;
        of_unit.length = length<I>;
        launch_values(StageRows<P, I>::graph, of_unit, launch_[I]);
      }
    });
  }

  static Index scratch_bytes(Index) { return kernel_bytes() + buffer_bytes() + workspace_bytes(); }

  void run(Index first, Index last, T* scratch, double* coefficient_gradient,
           T* column_gradient) const {
    for (Index row = first; row < last; row += block) {
      const Index rows = row + block < last ? block : last - row;
      const RowArguments<T> a = from_row(row, rows, scratch);
      auto* const workspace =
          reinterpret_cast<std::byte*>(scratch) + kernel_bytes() + buffer_bytes();
      each_stage([&]<int I>() {
        if constexpr (stages.stage[I].is_rows())
          run_rows<I>(a, scratch, coefficient_gradient, column_gradient);
        else
          operate<I>(a, workspace);
      });
    }
  }

 private:
  static constexpr const Graph& graph = P::graph;
  static constexpr const Stages& stages = Staged<P>::value;
  static constexpr Index block = 16;  ///< rows: as many as an operation takes at a time
  static_assert(graph.inputs + stages.buffers <= RowArguments<T>::max_buffers &&
                    graph.stores + stages.buffers <= RowArguments<T>::max_buffers,
                "optiform: the rule takes too many row operations; split it into two rules");

  template <int I>
  static constexpr Index length = S.size(stages.stage[I].unit);
  template <int I>
  using Kernel = RowKernel<StageRows<P, I>, T, length<I>>;
  template <int I>
  using OperationKernel = RowOperationKernel<operation_of<P, stages.stage[I].node>, S, T>;

  template <class F>
  static constexpr void each_stage(F&& f) {
    [&]<int... I>(std::integer_sequence<int, I...>) { (f.template operator()<I>(), ...); }
    (std::make_integer_sequence<int, stages.stages>{});
  }

  // ---- scratch of one thread: the row kernels', the buffers between stages, the operations'
  static constexpr Index padded(Index bytes) {
    return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
  }
  static Index kernel_bytes() {
    Index most = 0;
    each_stage([&]<int I>() {
      if constexpr (stages.stage[I].is_rows())
        if (const Index bytes = Kernel<I>::scratch_bytes(length<I>); bytes > most) most = bytes;
    });
    return padded(most);
  }
  static constexpr Index buffer_offset(short b) {
    Index bytes = 0;
    for (short i = 0; i < b; ++i)
      bytes += padded(block * S.size(stages.buffer_unit[i]) * static_cast<Index>(sizeof(T)));
    return bytes;
  }
  static constexpr Index buffer_bytes() { return buffer_offset(stages.buffers); }
  static Index workspace_bytes() {
    Index most = 0;
    each_stage([&]<int I>() {
      if constexpr (!stages.stage[I].is_rows())
        if (const Index bytes = OperationKernel<I>::workspace_bytes(); bytes > most) most = bytes;
    });
    return padded(most);
  }

  /// The arguments of the rows from `row` on, with the buffers between stages behind the others.
  RowArguments<T> from_row(Index row, Index rows, T* scratch) const {
    RowArguments<T> a = a_;
    a.rows = rows;
    a.streaming = false;
    for (short i = 0; i < graph.nodes; ++i)
      if (const Node& n = graph.node[i]; n.op == Op::input)
        a.input[n.index] += row * S.size(n.unit);
    for (short o = 0; o < graph.outputs; ++o)
      if (const Output& out = graph.output[o]; out.sink == Sink::store)
        a.output[out.index] += row * S.size(out.unit);
    if (a.statistic != nullptr) a.statistic += row * graph.statistics;
    auto* const buffers = reinterpret_cast<std::byte*>(scratch) + kernel_bytes();
    for (short b = 0; b < stages.buffers; ++b)
      a.input[graph.inputs + b] = a.output[graph.stores + b] =
          reinterpret_cast<T*>(buffers + buffer_offset(b));
    return a;
  }

  template <int I>
  void run_rows(const RowArguments<T>& block_arguments, T* scratch, double* coefficient_gradient,
                T* column_gradient) const {
    RowArguments<T> a = block_arguments;
    a.length = length<I>;
    Kernel<I>::run(a, launch_[I], 0, a.rows, scratch, coefficient_gradient, column_gradient);
  }

  template <int I>
  static void operate(const RowArguments<T>& a, std::byte* workspace) {
    constexpr const Stage& stage = stages.stage[I];
    const T* const operand[] = {read<stage.operand[0]>(a), read<stage.operand[1]>(a)};
    if constexpr (graph.node[stage.node].op == Op::operation) {
      OperationKernel<I>::forward(a.rows, operand, write<stage.result[0]>(a), workspace);
    } else {
      T* const adjoint[] = {write<stage.result[0]>(a), write<stage.result[1]>(a)};
      OperationKernel<I>::backward(a.rows, operand, read<stage.adjoint>(a), adjoint, workspace);
    }
  }
  template <ValueAt V>
  static const T* read(const RowArguments<T>& a) {
    if constexpr (V.index < 0)
      return nullptr;
    else if constexpr (V.memory == ValueAt::Memory::input)
      return a.input[V.index];
    else if constexpr (V.memory == ValueAt::Memory::output)
      return a.output[V.index];
    else
      return a.input[graph.inputs + V.index];
  }
  template <ValueAt V>
  static T* write(const RowArguments<T>& a) {
    return V.index < 0 ? nullptr : a.output[graph.stores + V.index];
  }

  static constexpr int most_nodes = [] {
    int most = 1;
    each_stage([&]<int I>() {
      if constexpr (stages.stage[I].is_rows())
        if (StageRows<P, I>::graph.nodes > most) most = StageRows<P, I>::graph.nodes;
    });
    return most;
  }();

  const RowArguments<T>& a_;
  double launch_[stages.stages][most_nodes]{};
};

OPTIFORM_NAMESPACE_END
