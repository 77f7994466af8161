// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/norm.hpp>
#include <optiform/rules/recording.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How a driver reads a recording.
struct Reading {
  Norm norm = Norm::none;  ///< what `normalise` means
  bool clock = false;      ///< whether `debias` does anything
  bool unit_rate = false;  ///< depth: a `rate` is the literal 1
  short coefficient = 0;   ///< number of the rule's first coefficient in the program
  short column = 0;        ///< number of the rule's first gain in the program
};

namespace detail {

/// Adds node n of another graph, on operands of this one: folded and shared as if it were new.
constexpr short rebuilt(Graph& to, const Node& n, short a, short b, short c = -1) {
  // clang-format off
  switch (n.op) {
    case Op::input: return to.input(n.index, n.unit);
    case Op::column: return to.column(n.index);
    case Op::statistic: return to.statistic(n.index);
    case Op::coefficient: return to.coefficient(n.index);
    case Op::constant: return to.constant(n.value);
    case Op::length: return to.length();
    case Op::reciprocal_length: return to.reciprocal_length();
    case Op::bias_correction: return to.bias_correction(a);
    case Op::add: return to.add(a, b);
    case Op::subtract: return to.subtract(a, b);
    case Op::multiply: return to.multiply(a, b);
    case Op::divide: return to.divide(a, b);
    case Op::negate: return to.negate(a);
    case Op::square: return to.square(a);
    case Op::root: return to.root(a);
    case Op::sign: return to.sign(a);
    case Op::sum: return to.sum(a);
    case Op::standardise: return to.standardise(a, b, c);
    case Op::broadcast: return to.broadcast(a, n.unit);
    case Op::operation: return to.operate(n.operation, a, b);
    case Op::adjoints: return to.adjoints(n.operation, a, b, c);
    case Op::part: return to.part(a, n.index);
    case Op::normalise:
    case Op::debias: break;  // a driver says what they are
  }
  // clang-format on
  to.overflow = true;
  return 0;
}

}  // namespace detail

/// Copies recorded values into a program, with the recording's inputs bound to given nodes.
///
/// `bound[i]` is the node that stands for the recording's input i. `copy(node)` returns the
/// node's image; what is already copied is shared.
class Splice {
 public:
  constexpr Splice(Graph& into, const Recording& from, const Reading& reading)
      : into_(into), from_(from), reading_(reading) {
    for (short& i : image_) i = -1;
  }
  constexpr void bind(short input, short node) { bound_[input] = node; }

  constexpr short copy(short id) {
    if (image_[id] >= 0) return image_[id];
    const Node n = from_.graph.node[id];
    const short a = n.a >= 0 ? copy(n.a) : static_cast<short>(-1);
    const short b = n.b >= 0 ? copy(n.b) : static_cast<short>(-1);
    return image_[id] = build(n, a, b);
  }
  /// Binds inputs 0 .. count - 1 to the program's inputs of the same numbers.
  constexpr void bind_inputs(short count) {
    for (short i = 0; i < count; ++i) bind(i, into_.input(i, from_.unit(i)));
  }

 private:
  constexpr short build(const Node& n, short a, short b) {
    switch (n.op) {
      case Op::input:
        return bound_[n.index];
      case Op::coefficient:
        return coefficient(n.index);
      case Op::normalise:
        return normalised(
            into_, reading_.norm, a,
            static_cast<short>(reading_.column + n.index * columns_of(reading_.norm)));
      case Op::debias:
        return reading_.clock ? into_.divide(a, into_.bias_correction(b)) : a;
      default:
        return detail::rebuilt(into_, n, a, b);
    }
  }
  constexpr short coefficient(short index) {
    const CoefficientInfo& info = from_.coefficient[index];
    if (info.pinned) return into_.constant(info.pinned_value);
    if (info.kind == CoefficientKind::rate && reading_.unit_rate) return into_.constant(1);
    return into_.coefficient(static_cast<short>(reading_.coefficient + index));
  }

  Graph& into_;
  const Recording& from_;
  Reading reading_;
  short bound_[Recording::max_streams + 2]{};
  short image_[Graph::capacity]{};
};

/// Whether a rule asks its oracle at the iterate itself.
template <class R>
constexpr bool asks_at_iterate() {
  const Recording& rule = recording<R>;
  Graph g;
  Splice splice(g, rule, Reading{});
  splice.bind_inputs(static_cast<short>(rule.streams + 1));
  return splice.copy(rule.query) == g.input(0);
}

namespace detail {

/// Copies the live nodes of a graph, in order; `replace` may substitute a node.
struct Copier {
  Graph to;
  short image[Graph::capacity]{};

  constexpr short at(short id) const { return id < 0 ? static_cast<short>(-1) : image[id]; }
  constexpr void copy(const Graph& from, short i) {
    const Node& n = from.node[i];
    image[i] = rebuilt(to, n, at(n.a), at(n.b), at(n.c));
  }
  constexpr void interface(const Graph& from) {
    to.inputs = from.inputs;
    to.stores = from.stores;
    to.columns = from.columns;
    to.coefficients = from.coefficients;
    to.statistics = from.statistics;
    to.overflow = to.overflow || from.overflow;
  }
};

}  // namespace detail

/// The same program without what no output needs.
constexpr Graph pruned(const Graph& from) {
  bool live[Graph::capacity]{};
  for (short i = 0; i < from.outputs; ++i) live[from.output[i].node] = true;
  from.mark_operands(live);
  detail::Copier copier;
  copier.interface(from);
  for (short i = 0; i < from.nodes; ++i)
    if (live[i]) copier.copy(from, i);
  for (short i = 0; i < from.outputs; ++i) {
    const Output& o = from.output[i];
    copier.to.emit(o.sink, o.index, copier.at(o.node), o.in_place_of, o.unit);
  }
  return copier.to;
}

/// Makes every row sum of a forward program an output, so that the backward pass need not
/// repeat the reductions. Statistic k is the k-th sum in node order.
constexpr Graph with_statistics(Graph graph) {
  for (short i = 0; i < graph.nodes; ++i)
    if (graph.node[i].op == Op::sum) graph.emit(Sink::statistic, graph.statistics++, i);
  return graph;
}

OPTIFORM_NAMESPACE_END
