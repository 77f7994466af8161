// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <optiform/cpu/pack.hpp>
#include <optiform/rules/program.hpp>
#include <utility>

OPTIFORM_NAMESPACE_BEGIN

/// One row program as straight-line vector code: a row is visited in a few sweeps while it lies in
/// the first-level cache.
///
/// Shapes    Length is the row length, or 0 where it is known at run time only. Any length.
/// Contract  sixteen logical lanes carry every sum, whatever the instruction set; a product of a
/// row
///           or launch value with an element is fused into the addition it is for, other products
///           are rounded. Inputs may alias outputs where the program says `in_place_of`.
/// See       ReferenceRows, the specification; rules/plan.hpp for what a sweep is.
template <class P, class T, Index Length>
class RowKernel {
 public:
  static constexpr int lanes = 16;
  using V = Pack<T, lanes>;

  /// Bytes of scratch one thread needs.
  static Index scratch_bytes(Index length) {
    return (plan.scratch_rows * padded(length) + lanes) * static_cast<Index>(sizeof(T));
  }

  /// Runs rows [first, last). `launch` comes from launch_values; the gradient pointers are this
  /// call's own partial sums.
  static void run(const RowArguments<T>& a, const double* launch, Index first, Index last,
                  T* scratch, double* coefficient_gradient, T* column_gradient) {
    RowKernel kernel(a, launch, scratch, column_gradient);
    for (Index row = first; row < last; ++row) {
      kernel.begin(row);
      kernel.template sweeps<0>();
      kernel.finish(row, coefficient_gradient);
    }
    if (a.streaming) stream_fence();
  }

  /// Values that are the same for every row, by node number.
  static void launch_values(const RowArguments<T>& a, double* value) {
    for (short i = 0; i < graph.nodes; ++i) {
      const Node& n = graph.node[i];
      if (n.frequency != Frequency::launch) continue;
      const double x = n.a >= 0 ? value[n.a] : 0, y = n.b >= 0 ? value[n.b] : 0;
      switch (n.op) {
        case Op::coefficient:
          value[i] = static_cast<double>(a.coefficient[n.index]);
          break;
        case Op::constant:
          value[i] = n.value;
          break;
        case Op::length:
          value[i] = static_cast<double>(a.length);
          break;
        case Op::reciprocal_length:
          value[i] = 1 / static_cast<double>(a.length);
          break;
        case Op::bias_correction:
          value[i] = 1 - std::pow(x, a.clock);
          break;
        case Op::add:
          value[i] = x + y;
          break;
        case Op::subtract:
          value[i] = x - y;
          break;
        case Op::multiply:
          value[i] = x * y;
          break;
        case Op::divide:
          value[i] = x / y;
          break;
        case Op::negate:
          value[i] = -x;
          break;
        case Op::square:
          value[i] = x * x;
          break;
        case Op::root:
          value[i] = std::sqrt(x);
          break;
        default:
          break;
      }
    }
  }

 private:
  static constexpr const Graph& graph = P::graph;
  static constexpr const Plan& plan = P::plan;

  static constexpr Index padded(Index length) { return (length + lanes - 1) / lanes * lanes; }

  RowKernel(const RowArguments<T>& a, const double* launch, T* scratch, T* column_gradient)
      : a_(a), scratch_(scratch), column_gradient_(column_gradient) {
    for (short i = 0; i < graph.nodes; ++i)
      if (graph.node[i].frequency == Frequency::launch) scalar_[i] = static_cast<T>(launch[i]);
  }

  Index length() const {
    if constexpr (Length > 0) return Length;
    return a_.length;
  }

  void begin(Index row) {
    offset_ = row * length();
    statistic_ = a_.statistic == nullptr ? nullptr : a_.statistic + row * graph.statistics;
    row_values<0>();
  }

  void finish(Index, double* coefficient_gradient) {
    each<graph.outputs>([&]<int O>() OPTIFORM_INLINE_LAMBDA {
      constexpr Output o = graph.output[O];
      if constexpr (o.sink == Sink::statistic) {
        if (statistic_ != nullptr) statistic_[o.index] = scalar_[o.node];
      } else if constexpr (o.sink == Sink::coefficient_gradient) {
        coefficient_gradient[o.index] += static_cast<double>(scalar_[o.node]);
      }
    });
  }

  template <int S>
  void sweeps() {
    if constexpr (S < plan.sweeps) {
      sweep<S>();
      row_values<S + 1>();
      sweeps<S + 1>();
    }
  }

  /// Row values that are known once `Phase` sweeps are done.
  template <int Phase>
  OPTIFORM_INLINE void row_values() {
    each<plan.row_nodes>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      if constexpr (plan.row_phase[I] == Phase) {
        constexpr short id = plan.row_node[I];
        constexpr Node n = graph.node[id];
        if constexpr (n.op == Op::statistic) {
          scalar_[id] = statistic_[n.index];
        } else if constexpr (n.op != Op::sum) {
          scalar_[id] = arithmetic<n.op>(scalar_[n.a], scalar_[n.b < 0 ? n.a : n.b]);
        }
      }
    });
  }

  template <int S>
  OPTIFORM_INLINE void sweep() {
    constexpr const Sweep& s = plan.sweep[S];
    V sum[s.sums > 0 ? s.sums : 1];
    unrolled<s.sums>([&](int i) OPTIFORM_INLINE_LAMBDA { sum[i] = V(T(0)); });
    const Index whole = length() / lanes * lanes;
    for (Index e = 0; e < whole; e += lanes) step<S, false>(e, lanes, sum);
    if constexpr (Length % lanes != 0 || Length == 0)
      if (whole < length()) step<S, true>(whole, length() - whole, sum);
    each<s.sums>([&]<int I>() OPTIFORM_INLINE_LAMBDA { scalar_[s.sum[I]] = total(sum[I]); });
  }
  static OPTIFORM_INLINE T total(V v) { return sum(v); }

  /// Sixteen elements (the first `n` of them at the row's end) of sweep S.
  template <int S, bool Tail>
  OPTIFORM_INLINE void step(Index e, [[maybe_unused]] Index n, [[maybe_unused]] V* sum) {
    constexpr const Sweep& s = plan.sweep[S];
    V value[graph.nodes];
    each<s.elements>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr short id = s.element[I];
      if constexpr (s.from_scratch[I]) {
        value[id] = V::load(scratch_ + plan.scratch_of[id] * padded(length()) + e);
      } else {
        value[id] = evaluate<S, id, Tail>(value, e, n);
      }
    });
    each<s.sums>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      accumulate<S, graph.node[s.sum[I]].a, Tail>(value, n, sum[I]);
    });
    each<s.keeps>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr short id = s.keep[I];
      value[id].store(scratch_ + plan.scratch_of[id] * padded(length()) + e);
    });
    each<s.stores>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr Output o = graph.output[s.store[I]];
      const V result = operand<o.node>(value);
      if constexpr (o.sink == Sink::store) {
        T* const to = a_.output[o.index] + offset_ + e;
        if constexpr (Tail) {
          result.store(to, n);
        } else if (a_.streaming) {
          result.stream(to);
        } else {
          result.store(to);
        }
      } else {
        T* const to = column_gradient_ + o.index * length() + e;
        if constexpr (Tail) {
          (V::load(to, n) + result).store(to, n);
        } else {
          (V::load(to) + result).store(to);
        }
      }
    });
  }

  template <int S, short Id, bool Tail>
  OPTIFORM_INLINE V evaluate(const V* value, Index e, [[maybe_unused]] Index n) const {
    constexpr Node node = graph.node[Id];
    if constexpr (node.op == Op::input || node.op == Op::column) {
      const T* const from =
          node.op == Op::input ? a_.input[node.index] + offset_ + e : a_.column[node.index] + e;
      if constexpr (Tail) {
        return V::load(from, n);
      } else {
        return V::load(from);
      }
    } else if constexpr (node.op == Op::add && is_axpy<S>(node.b)) {
      return fma(factor<node.b, 0>(value), factor<node.b, 1>(value), operand<node.a>(value));
    } else if constexpr (node.op == Op::add && is_axpy<S>(node.a)) {
      return fma(factor<node.a, 0>(value), factor<node.a, 1>(value), operand<node.b>(value));
    } else if constexpr (node.op == Op::subtract && is_axpy<S>(node.b)) {
      return fma(-factor<node.b, 0>(value), factor<node.b, 1>(value), operand<node.a>(value));
    } else if constexpr (node.op == Op::subtract && is_axpy<S>(node.a)) {
      return fma(factor<node.a, 0>(value), factor<node.a, 1>(value), -operand<node.b>(value));
    } else if constexpr (node.op == Op::standardise) {
      return rounded((operand<node.a>(value) - operand<node.b>(value)) * operand<node.c>(value));
    } else if constexpr (node.op == Op::multiply || node.op == Op::square) {
      return rounded(arithmetic<node.op>(operand<node.a>(value),
                                         operand < node.b < 0 ? node.a : node.b > (value)));
    } else {
      return arithmetic<node.op>(operand<node.a>(value),
                                 operand < node.b < 0 ? node.a : node.b > (value));
    }
  }

  template <int S, short Id, bool Tail>
  OPTIFORM_INLINE void accumulate(const V* value, [[maybe_unused]] Index n, V& sum) const {
    constexpr Node node = graph.node[Id];
    if constexpr (Tail) {
      V lane = V::iota();
      sum += select(lane < V(static_cast<T>(n)), value[Id], V(T(0)));
    } else if constexpr ((node.op == Op::multiply || node.op == Op::square) && computes<S>(Id)) {
      sum = fma(value[node.a], value[node.b < 0 ? node.a : node.b], sum);
    } else {
      sum += value[Id];
    }
  }

  /// Whether sweep S computes a node itself.
  template <int S>
  static constexpr bool computes(short id) {
    const Sweep& s = plan.sweep[S];
    for (short i = 0; i < s.elements; ++i)
      if (s.element[i] == id) return !s.from_scratch[i];
    return false;
  }
  /// Whether a node is a coarse factor times an element, computed in sweep S.
  template <int S>
  static constexpr bool is_axpy(short id) {
    return graph.is_scaled(id) && graph.node[id].frequency == Frequency::element && computes<S>(id);
  }
  template <short Id, int Which>
  OPTIFORM_INLINE V factor(const V* value) const {
    constexpr short id = Which == 0 ? graph.node[Id].a : graph.node[Id].b;
    return operand<id>(value);
  }

  template <short Id>
  OPTIFORM_INLINE V operand(const V* value) const {
    if constexpr (graph.node[Id].frequency == Frequency::element) {
      return value[Id];
    } else {
      return V(scalar_[Id]);
    }
  }

  template <Op O, class U>
  static OPTIFORM_INLINE U arithmetic(U a, [[maybe_unused]] U b) {
    using std::sqrt;
    if constexpr (O == Op::add) return a + b;
    if constexpr (O == Op::subtract) return a - b;
    if constexpr (O == Op::multiply) return a * b;
    if constexpr (O == Op::divide) return a / b;
    if constexpr (O == Op::negate) return -a;
    if constexpr (O == Op::square) return a * a;
    if constexpr (O == Op::root) return sqrt(a);
  }

  /// Keeps the compiler from fusing a product into an addition of its own choice: programs that
  /// differ by a pinned coefficient stay bit-equal.
  static OPTIFORM_INLINE V rounded(V v) {
#if defined(__GNUC__) && !defined(__clang__)
    return V::make([&](int i)
                       OPTIFORM_INLINE_LAMBDA { return __builtin_assoc_barrier(v.part[i]); });
#else
    return v;
#endif
  }

  template <int Count, class F>
  static OPTIFORM_INLINE void each(F&& f) {
    [&]<int... I>(std::integer_sequence<int, I...>) OPTIFORM_INLINE_LAMBDA {
      (f.template operator()<I>(), ...);
    }
    (std::make_integer_sequence<int, Count>{});
  }

  const RowArguments<T>& a_;
  T* scratch_;
  T* column_gradient_;
  T* statistic_ = nullptr;
  Index offset_ = 0;
  T scalar_[graph.nodes];
};

OPTIFORM_NAMESPACE_END
