// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <optiform/cuda/row_pass.hpp>

/// Loops over registers must be unrolled to be registers.
#if defined(__CUDACC__)
#define OPTIFORM_CUDA_UNROLL _Pragma("unroll")
#else
#define OPTIFORM_CUDA_UNROLL
#endif

OPTIFORM_NAMESPACE_BEGIN

namespace cuda {

namespace detail {

/// Whether sweep s computes a node itself.
constexpr bool computes(const Plan& plan, short s, short id) {
  for (short i = 0; i < plan.sweep[s].elements; ++i)
    if (plan.sweep[s].element[i] == id) return !plan.sweep[s].from_scratch[i];
  return false;
}
/// Whether a node is a coarse factor times an element, computed in sweep s.
constexpr bool is_axpy(const Graph& graph, const Plan& plan, short s, short id) {
  return id >= 0 && graph.is_scaled(id) && graph.node[id].frequency == Frequency::element &&
         computes(plan, s, id);
}
/// Whether the sum of a node in sweep s takes a product that was not rounded.
constexpr bool sums_product(const Graph& graph, const Plan& plan, short s, short id) {
  const Op op = graph.node[id].op;
  return (op == Op::multiply || op == Op::square) && computes(plan, s, id);
}
/// Whether sweep s is the first to read an input.
constexpr bool reads_first(const Plan& plan, short s, short id) {
  for (short earlier = 0; earlier < s; ++earlier)
    if (computes(plan, earlier, id)) return false;
  return true;
}

// Variables, since device code may read constants of the host but not call its functions.
template <class P, short S, short Id>
inline constexpr bool axpy = is_axpy(P::graph, P::plan, S, Id);
template <class P, short S, short Id>
inline constexpr bool product_sum = sums_product(P::graph, P::plan, S, Id);
template <class P, short S, short Id>
inline constexpr bool first_read = reads_first(P::plan, S, Id);
template <class P>
inline constexpr bool gradients = sums_over_rows<P>();
template <class P>
inline constexpr short most_sums = [] {
  short most = 1;
  for (short s = 0; s < P::plan.sweeps; ++s)
    if (P::plan.sweep[s].sums > most) most = P::plan.sweep[s].sums;
  return most;
}();

}  // namespace detail

/// One thread's share of a row program: elements thread, thread + Threads, ... of each row it is
/// given, held in registers from the first sweep to the last.
///
/// Shapes    Length is the compile-time row length, or 0 for a program of one sweep on rows whose
///           length is known at run time only.
/// Contract  begin(row); then for each sweep S: sweep<S>(), a sum over the group of the first
///           plan.sweep[S].sums entries of `sum`, known<S + 1>(); then finish(row). After its last
///           row, write_partials(worker). Calls of different lanes need no order among themselves
///           but around the sums. Products are fused into additions as RowKernel does it.
/// See       Math: fma, product, root and read_only of T, by the processor's own instructions.
template <class P, class T, Index Length, int Threads, class Math>
class RowLane {
 public:
  static constexpr int elements =
      Length == 0 ? 1 : static_cast<int>((Length + Threads - 1) / Threads);
  static constexpr int sums = detail::most_sums<P>;  ///< of a sweep, at most
  T sum[sums];  ///< of this lane's elements, then of the whole row

  OPTIFORM_HD RowLane(const RowPass<P, T>& pass, int thread) : pass_(pass), thread_(thread) {
    OPTIFORM_CUDA_UNROLL
    for (int i = 0; i < coefficients; ++i) coefficient_gradient_[i] = 0;
    OPTIFORM_CUDA_UNROLL
    for (int i = 0; i < columns; ++i) {
      OPTIFORM_CUDA_UNROLL
      for (int k = 0; k < elements; ++k) column_gradient_[i][k] = T(0);
    }
  }

  OPTIFORM_HD void begin(Index row) {
    offset_ = row * length();
    statistic_ = pass_.statistic == nullptr ? nullptr : pass_.statistic + row * statistics;
    known<0>();
  }

  /// This lane's elements of sweep S.
  template <int S>
  OPTIFORM_HD void sweep() {
    OPTIFORM_CUDA_UNROLL
    for (int i = 0; i < P::plan.sweep[S].sums; ++i) sum[i] = T(0);
    if constexpr (Length == 0) {
      for (Index e = thread_; e < pass_.length; e += Threads) step<S>(0, e);
    } else {
      OPTIFORM_CUDA_UNROLL
      for (int k = 0; k < elements; ++k) {
        const int e = thread_ + k * Threads;
        if (Length % Threads == 0 || e < Length) step<S>(k, e);
      }
    }
  }

  /// Row values that are known once `Phase` sweeps are done and their sums are sums over the row.
  template <int Phase>
  OPTIFORM_HD void known() {
    if constexpr (Phase > 0) {
      each<P::plan.sweep[Phase - 1].sums>([&]<int I>() {
        constexpr short id = P::plan.sweep[Phase - 1].sum[I];
        row_value_[id] = sum[I];
      });
    }
    each<P::plan.row_nodes>([&]<int I>() {
      if constexpr (P::plan.row_phase[I] == Phase) {
        constexpr short id = P::plan.row_node[I];
        constexpr Node n = P::graph.node[id];
        if constexpr (n.op == Op::statistic) {
          row_value_[id] = statistic_[n.index];
        } else if constexpr (n.op != Op::sum) {
          row_value_[id] = arithmetic<n.op>(few<n.a>(), few < n.b < 0 ? n.a : n.b > (), T(0));
        }
      }
    });
  }

  OPTIFORM_HD void finish() {
    each<P::graph.outputs>([&]<int O>() {
      constexpr Output o = P::graph.output[O];
      if constexpr (o.sink == Sink::statistic) {
        if (thread_ == 0 && statistic_ != nullptr) statistic_[o.index] = few<o.node>();
      } else if constexpr (o.sink == Sink::coefficient_gradient) {
        if (thread_ == 0) coefficient_gradient_[o.index] += static_cast<double>(few<o.node>());
      }
    });
  }

  /// Overwrites the worker's partial gradients with the sums over the rows of this lane.
  OPTIFORM_HD void write_partials(Index worker) {
    if constexpr (gradients) {
      if (thread_ == 0)
        for (int i = 0; i < coefficients; ++i)
          pass_.coefficient_partial[worker * coefficients + i] = coefficient_gradient_[i];
      OPTIFORM_CUDA_UNROLL
      for (int i = 0; i < columns; ++i) {
        T* const to = pass_.column_partial + (worker * columns + i) * length();
        OPTIFORM_CUDA_UNROLL
        for (int k = 0; k < elements; ++k) {
          const int e = thread_ + k * Threads;
          if (e < length()) to[e] = column_gradient_[i][k];
        }
      }
    }
  }

 private:
  static constexpr bool gradients = detail::gradients<P>;
  static constexpr int coefficients = gradients ? P::graph.coefficients : 0;
  static constexpr int columns = gradients ? P::graph.columns : 0;
  static constexpr int statistics = P::graph.statistics;
  static_assert(Length > 0 || (P::plan.sweeps <= 1 && columns == 0),
                "optiform: RowLane - a row whose length is known at run time only takes a program "
                "of one sweep; give the kernel the row's length");

  OPTIFORM_HD Index length() const {
    if constexpr (Length > 0) return Length;
    return pass_.length;
  }

  /// Element e of sweep S, the k-th of this lane.
  template <int S>
  OPTIFORM_HD void step(int k, Index e) {
    T value[P::graph.nodes];
    each<P::plan.sweep[S].elements>([&]<int I>() {
      constexpr short id = P::plan.sweep[S].element[I];
      if constexpr (P::plan.sweep[S].from_scratch[I]) {
        constexpr short row = P::plan.scratch_of[id];
        value[id] = scratch_[row][k];
      } else {
        value[id] = evaluate<S, id>(value, k, e);
      }
    });
    each<P::plan.sweep[S].sums>([&]<int I>() {
      constexpr short id = P::graph.node[P::plan.sweep[S].sum[I]].a;
      constexpr Node n = P::graph.node[id];
      if constexpr (detail::product_sum<P, S, id>) {
        sum[I] = Math::fma(operand<n.a>(value), operand < n.b < 0 ? n.a : n.b > (value), sum[I]);
      } else {
        sum[I] += value[id];
      }
    });
    each<P::plan.sweep[S].keeps>([&]<int I>() {
      constexpr short id = P::plan.sweep[S].keep[I];
      constexpr short row = P::plan.scratch_of[id];
      scratch_[row][k] = value[id];
    });
    each<P::plan.sweep[S].stores>([&]<int I>() {
      constexpr Output o = P::graph.output[P::plan.sweep[S].store[I]];
      const T result = operand<o.node>(value);
      if constexpr (o.sink == Sink::store) {
        pass_.output[o.index][offset_ + e] = result;
      } else {
        column_gradient_[o.index][k] += result;
      }
    });
  }

  template <int S, short Id>
  OPTIFORM_HD T evaluate(const T* value, int k, Index e) {
    constexpr Node n = P::graph.node[Id];
    constexpr bool a = detail::axpy<P, S, n.a>, b = detail::axpy<P, S, n.b>;
    if constexpr (n.op == Op::input) {
      // Read once; later sweeps find it in a register, even where the memory was overwritten.
      if constexpr (detail::first_read<P, S, Id>)
        input_[n.index][k] = pass_.input[n.index][offset_ + e];
      return input_[n.index][k];
    } else if constexpr (n.op == Op::column) {
      return Math::read_only(pass_.column[n.index] + e);
    } else if constexpr (n.op == Op::add && b) {
      return Math::fma(factor<n.b, 0>(value), factor<n.b, 1>(value), operand<n.a>(value));
    } else if constexpr (n.op == Op::add && a) {
      return Math::fma(factor<n.a, 0>(value), factor<n.a, 1>(value), operand<n.b>(value));
    } else if constexpr (n.op == Op::subtract && b) {
      return Math::fma(-factor<n.b, 0>(value), factor<n.b, 1>(value), operand<n.a>(value));
    } else if constexpr (n.op == Op::subtract && a) {
      return Math::fma(factor<n.a, 0>(value), factor<n.a, 1>(value), -operand<n.b>(value));
    } else {
      return arithmetic<n.op>(operand<n.a>(value), operand < n.b < 0 ? n.a : n.b > (value),
                              operand < n.c < 0 ? n.a : n.c > (value));
    }
  }

  template <Op O>
  static OPTIFORM_HD T arithmetic(T a, [[maybe_unused]] T b, [[maybe_unused]] T c) {
    if constexpr (O == Op::add) return a + b;
    if constexpr (O == Op::subtract) return a - b;
    if constexpr (O == Op::multiply) return Math::product(a, b);
    if constexpr (O == Op::divide) return a / b;
    if constexpr (O == Op::negate) return -a;
    if constexpr (O == Op::square) return Math::product(a, a);
    if constexpr (O == Op::root) return Math::root(a);
    if constexpr (O == Op::sign) return a > T(0) ? T(1) : a < T(0) ? T(-1) : T(0) * a;
    if constexpr (O == Op::standardise) return Math::product(a - b, c);
  }

  /// A value that is the same for every element of the row.
  template <short Id>
  OPTIFORM_HD T few() const {
    if constexpr (P::graph.node[Id].frequency == Frequency::launch) {
      return pass_.launch[Id];
    } else {
      return row_value_[Id];
    }
  }
  template <short Id>
  OPTIFORM_HD T operand(const T* value) const {
    if constexpr (P::graph.node[Id].frequency == Frequency::element) {
      return value[Id];
    } else {
      return few<Id>();
    }
  }
  template <short Id, int Which>
  OPTIFORM_HD T factor(const T* value) const {
    constexpr short id = Which == 0 ? P::graph.node[Id].a : P::graph.node[Id].b;
    return operand<id>(value);
  }

  template <int Count, class F>
  static OPTIFORM_HD void each(F&& f) {
    [&]<int... I>(std::integer_sequence<int, I...>) { (f.template operator()<I>(), ...); }
    (std::make_integer_sequence<int, Count>{});
  }

  static constexpr int at_least_one(int n) { return n > 0 ? n : 1; }

  const RowPass<P, T>& pass_;
  int thread_;
  Index offset_ = 0;
  T* statistic_ = nullptr;
  T row_value_[P::graph.nodes];
  T input_[at_least_one(P::graph.inputs)][elements];
  T scratch_[at_least_one(P::plan.scratch_rows)][elements];
  T column_gradient_[at_least_one(columns)][elements];
  double coefficient_gradient_[at_least_one(coefficients)];
};

namespace detail {

template <class P, int S, class Group>
OPTIFORM_HD void visit_sweeps(Group& group) {
  if constexpr (S < P::plan.sweeps) {
    constexpr int sums = P::plan.sweep[S].sums;
    group.each([](auto& lane) { lane.template sweep<S>(); });
    if constexpr (sums > 0) group.template sum<sums>();
    group.each([](auto& lane) { lane.template known<S + 1>(); });
    visit_sweeps<P, S + 1>(group);
  }
}

}  // namespace detail

/// A row program on one group of threads: rows worker, worker + workers, ...
///
/// Contract  Group: each(f) calls f(lane) for the lanes that this caller stands for (its own on a
///           device, all of them on a host); sum<N>() replaces the first N entries of every
///           lane's `sum` by their totals over the group.
template <class P, class Group>
OPTIFORM_HD void visit_rows(Group& group, Index rows, Index worker, Index workers) {
  for (Index row = worker; row < rows; row += workers) {
    group.each([&](auto& lane) { lane.begin(row); });
    detail::visit_sweeps<P, 0>(group);
    group.each([](auto& lane) { lane.finish(); });
  }
  group.each([&](auto& lane) { lane.write_partials(worker); });
}

}  // namespace cuda

OPTIFORM_NAMESPACE_END
