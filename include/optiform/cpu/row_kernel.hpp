// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <utility>

#include <optiform/core/lanes.hpp>
#include <optiform/cpu/pack.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One row program as straight-line vector code: a row is visited in a few sweeps while it lies in
/// the first-level cache.
///
/// Shapes    Length is the row length, or 0 where it is known at run time only. Any length.
/// Contract  sixteen logical lanes carry every sum, whatever the instruction set. A product of a
///           coarser value with an element is fused into the addition that it is for; all other
///           products are rounded. Inputs may alias outputs where the program has in_place_of.
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

 private:
  static constexpr const Graph& graph = P::graph;
  static constexpr const Plan& plan = P::plan;

  static constexpr Index padded(Index length) { return (length + lanes - 1) / lanes * lanes; }

  RowKernel(const RowArguments<T>& a, const double* launch, T* scratch, T* column_gradient)
      : a_(a),
        scratch_(scratch),
        column_gradient_(column_gradient),
        streaming_(a.streaming && aligned(a)) {
    for (short i = 0; i < graph.nodes; ++i)
      if (graph.node[i].frequency == Frequency::launch) scalar_[i] = static_cast<T>(launch[i]);
  }

  /// Streamed stores need the alignment of a register.
  static bool aligned(const RowArguments<T>& a) {
    constexpr auto unit = static_cast<std::size_t>(register_bytes);
    bool all = static_cast<std::size_t>(a.length) * sizeof(T) % unit == 0;
    for (short o = 0; o < graph.outputs; ++o)
      if (graph.output[o].sink == Sink::store)
        all = all && reinterpret_cast<std::size_t>(a.output[graph.output[o].index]) % unit == 0;
    return all;
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
          const T result = arithmetic<n.op>(scalar_[n.a], scalar_[n.b < 0 ? n.a : n.b]);
          scalar_[id] = n.op == Op::multiply || n.op == Op::square ? rounded(result) : result;
        }
      }
    });
  }

  /// Where a row lies. Each sweep has its own copy: the kernel's members might change with every
  /// store of the loop, for all the compiler knows.
  struct Row {
    const T* input[RowArguments<T>::max_buffers];
    const T* column[8];
    T* output[RowArguments<T>::max_buffers];
    T* column_gradient;
    T* scratch;
    bool streaming;  ///< of outputs that overwrite nothing that was just read
  };
  template <int S>
  OPTIFORM_INLINE Row row() const {
    constexpr const Sweep& s = plan.sweep[S];
    Row r;
    each<s.elements>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr Node n = graph.node[s.element[I]];
      if constexpr (n.op == Op::input) r.input[n.index] = a_.input[n.index] + offset_;
      if constexpr (n.op == Op::column) r.column[n.index] = a_.column[n.index];
    });
    each<s.stores>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr Output o = graph.output[s.store[I]];
      if constexpr (o.sink == Sink::store) r.output[o.index] = a_.output[o.index] + offset_;
    });
    r.column_gradient = column_gradient_;
    r.scratch = scratch_;
    r.streaming = streaming_;
    return r;
  }

  template <int S>
  OPTIFORM_INLINE void sweep() {
    constexpr const Sweep& s = plan.sweep[S];
    const Row r = row<S>();
    V value[graph.nodes];
    each<s.coarses>([&]<int I>()
                        OPTIFORM_INLINE_LAMBDA { value[s.coarse[I]] = V(scalar_[s.coarse[I]]); });
    V sum[s.sums > 0 ? s.sums : 1];
    unrolled<s.sums>([&](int i) OPTIFORM_INLINE_LAMBDA { sum[i] = V(T(0)); });
    const Index whole = length() / lanes * lanes;
    for (Index e = 0; e < whole; e += lanes) step<S, false>(r, e, lanes, value, sum);
    if constexpr (Length % lanes != 0 || Length == 0)
      if (whole < length()) step<S, true>(r, whole, length() - whole, value, sum);
    each<s.sums>([&]<int I>() OPTIFORM_INLINE_LAMBDA { scalar_[s.sum[I]] = total(sum[I]); });
  }
  static OPTIFORM_INLINE T total(V v) { return sum(v); }

  /// Sixteen elements (the first `n` of them at the row's end) of sweep S. `value` holds the
  /// coarse values and receives the others.
  template <int S, bool Tail>
  OPTIFORM_INLINE void step(const Row& r, Index e, [[maybe_unused]] Index n, V* value,
                            [[maybe_unused]] V* sum) const {
    constexpr const Sweep& s = plan.sweep[S];
    each<s.elements>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr short id = s.element[I];
      if constexpr (s.from_scratch[I]) {
        value[id] = V::load(r.scratch + plan.scratch_of[id] * padded(length()) + e);
      } else {
        value[id] = evaluate<S, id, Tail>(r, value, e, n);
      }
    });
    each<s.sums>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      accumulate<S, graph.node[s.sum[I]].a, Tail>(value, n, sum[I]);
    });
    each<s.keeps>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr short id = s.keep[I];
      value[id].store(r.scratch + plan.scratch_of[id] * padded(length()) + e);
    });
    each<s.stores>([&]<int I>() OPTIFORM_INLINE_LAMBDA {
      constexpr Output o = graph.output[s.store[I]];
      if constexpr (o.sink == Sink::store) {
        T* const to = r.output[o.index] + e;
        if constexpr (Tail) {
          value[o.node].store(to, n);
        } else if (o.in_place_of < 0 && r.streaming) {
          value[o.node].stream(to);
        } else {
          value[o.node].store(to);
        }
      } else {
        T* const to = r.column_gradient + o.index * length() + e;
        if constexpr (Tail) {
          added<S, o.node>(value, V::load(to, n)).store(to, n);
        } else {
          added<S, o.node>(value, V::load(to)).store(to);
        }
      }
    });
  }

  template <int S, short Id, bool Tail>
  static OPTIFORM_INLINE V evaluate(const Row& r, const V* value, Index e,
                                    [[maybe_unused]] Index n) {
    constexpr Node node = graph.node[Id];
    if constexpr (node.op == Op::input || node.op == Op::column) {
      const T* const from = (node.op == Op::input ? r.input : r.column)[node.index] + e;
      if constexpr (Tail) {
        return V::load(from, n);
      } else {
        return V::load(from);
      }
    } else if constexpr (node.op == Op::add && is_axpy<S>(node.b)) {
      return fma(factor<node.b, 0>(value), factor<node.b, 1>(value), value[node.a]);
    } else if constexpr (node.op == Op::add && is_axpy<S>(node.a)) {
      return fma(factor<node.a, 0>(value), factor<node.a, 1>(value), value[node.b]);
    } else if constexpr (node.op == Op::subtract && is_axpy<S>(node.b)) {
      return fma(-factor<node.b, 0>(value), factor<node.b, 1>(value), value[node.a]);
    } else if constexpr (node.op == Op::subtract && is_axpy<S>(node.a)) {
      return fma(factor<node.a, 0>(value), factor<node.a, 1>(value), -value[node.b]);
    } else if constexpr (node.op == Op::standardise) {
      return rounded((value[node.a] - value[node.b]) * value[node.c]);
    } else {
      const V result = arithmetic<node.op>(value[node.a], value[node.b < 0 ? node.a : node.b]);
      if constexpr (node.op == Op::multiply || node.op == Op::square) return rounded(result);
      return result;
    }
  }

  template <int S, short Id, bool Tail>
  static OPTIFORM_INLINE void accumulate(const V* value, [[maybe_unused]] Index n, V& sum) {
    if constexpr (Tail) {
      sum += select(V::iota() < V(static_cast<T>(n)), value[Id], V(T(0)));
    } else {
      sum = added<S, Id>(value, sum);
    }
  }
  /// sum + value; a product enters a sum without being rounded.
  template <int S, short Id>
  static OPTIFORM_INLINE V added(const V* value, V sum) {
    constexpr Node n = graph.node[Id];
    if constexpr ((n.op == Op::multiply || n.op == Op::square) && computes<S>(Id)) {
      return fma(value[n.a], value[n.b < 0 ? n.a : n.b], sum);
    } else {
      return sum + value[Id];
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
  static OPTIFORM_INLINE V factor(const V* value) {
    return value[Which == 0 ? graph.node[Id].a : graph.node[Id].b];
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
    if constexpr (O == Op::sign) return sign(a);
    if constexpr (O == Op::broadcast) return a;
  }

  /// Keeps the compiler from fusing a product into an addition of its own choice: programs that
  /// differ by a pinned coefficient, or by how their length is known, stay bit-equal.
  template <class U>
  static OPTIFORM_INLINE U kept(U u) {
#if defined(__clang__)
    return u;  // fuses within one expression only
#elif defined(__SSE2__)
    asm("" : "+v"(u));
    return u;
#elif defined(__ARM_NEON)
    asm("" : "+w"(u));
    return u;
#else
    return __builtin_assoc_barrier(u);
#endif
  }
  static OPTIFORM_INLINE T rounded(T t) { return kept(t); }
  static OPTIFORM_INLINE V rounded(V v) {
    unrolled<V::parts>([&](int i) OPTIFORM_INLINE_LAMBDA { v.part[i] = kept(v.part[i]); });
    return v;
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
  const bool streaming_;
  T* statistic_ = nullptr;
  Index offset_ = 0;
  T scalar_[graph.nodes];
};

OPTIFORM_NAMESPACE_END
