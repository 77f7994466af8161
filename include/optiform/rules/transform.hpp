// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

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
      case Op::constant:
        return into_.constant(n.value);
      case Op::add:
        return into_.add(a, b);
      case Op::subtract:
        return into_.subtract(a, b);
      case Op::multiply:
        return into_.multiply(a, b);
      case Op::divide:
        return into_.divide(a, b);
      case Op::negate:
        return into_.negate(a);
      case Op::square:
        return into_.square(a);
      case Op::root:
        return into_.root(a);
      case Op::sign:
        return into_.sign(a);
      case Op::normalise:
        return normalised(
            into_, reading_.norm, a,
            static_cast<short>(reading_.column + n.index * columns_of(reading_.norm)));
      case Op::debias:
        return reading_.clock ? into_.divide(a, into_.bias_correction(b)) : a;
      case Op::operation:
        return into_.operate(n.operation, a, b);
      default:
        into_.overflow = true;
        return 0;  // not recordable
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
    const short a = at(n.a), b = at(n.b), c = at(n.c);
    switch (n.op) {
      case Op::input:
        image[i] = to.input(n.index, n.unit);
        break;
      case Op::column:
        image[i] = to.column(n.index);
        break;
      case Op::statistic:
        image[i] = to.statistic(n.index);
        break;
      case Op::coefficient:
        image[i] = to.coefficient(n.index);
        break;
      case Op::constant:
        image[i] = to.constant(n.value);
        break;
      case Op::length:
        image[i] = to.length();
        break;
      case Op::reciprocal_length:
        image[i] = to.reciprocal_length();
        break;
      case Op::bias_correction:
        image[i] = to.bias_correction(a);
        break;
      case Op::add:
        image[i] = to.add(a, b);
        break;
      case Op::subtract:
        image[i] = to.subtract(a, b);
        break;
      case Op::multiply:
        image[i] = to.multiply(a, b);
        break;
      case Op::divide:
        image[i] = to.divide(a, b);
        break;
      case Op::negate:
        image[i] = to.negate(a);
        break;
      case Op::square:
        image[i] = to.square(a);
        break;
      case Op::root:
        image[i] = to.root(a);
        break;
      case Op::sign:
        image[i] = to.sign(a);
        break;
      case Op::sum:
        image[i] = to.sum(a);
        break;
      case Op::standardise:
        image[i] = to.standardise(a, b, c);
        break;
      case Op::operation:
        image[i] = to.operate(n.operation, a, b);
        break;
      case Op::adjoints:
        image[i] = to.adjoints(n.operation, a, b, c);
        break;
      case Op::part:
        image[i] = to.part(a, n.index);
        break;
      default:
        to.overflow = true;
    }
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
  for (short i = static_cast<short>(from.nodes - 1); i >= 0; --i) {
    if (!live[i]) continue;
    const Node& n = from.node[i];
    if (n.a >= 0) live[n.a] = true;
    if (n.b >= 0) live[n.b] = true;
    if (n.c >= 0) live[n.c] = true;
  }
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

/// The reverse-mode derivative of a forward program.
///
/// Buffers   inputs 0..n-1 are the forward inputs, n + j the adjoint of forward store j; store i
///           is the adjoint of forward input i. Gains and coefficients keep their numbers.
/// Contract  row sums are read as saved statistics; every element value is recomputed.
///           `in_place[i]` names the forward store whose adjoint's memory the adjoint of input i
///           may overwrite, or -1.
class Reverse {
 public:
  constexpr Reverse(const Graph& forward, const short* in_place) : forward_(forward) {
    for (auto& of_unit : adjoint_)
      for (short& a : of_unit) a = -1;
    replay();
    seed();
    for (short i = static_cast<short>(forward.nodes - 1); i >= 0; --i)
      for (const short d : {adjoint(i, Unit::row), adjoint(i, Unit::square)})
        if (d >= 0) propagate(i, d);
    emit(in_place);
  }
  constexpr Graph result() const { return pruned(copier_.to); }

 private:
  constexpr void replay() {
    Graph& g = copier_.to;
    copier_.interface(forward_);
    g.inputs = static_cast<short>(forward_.inputs + forward_.stores);
    g.stores = forward_.inputs;
    short sums = 0;
    for (short i = 0; i < forward_.nodes; ++i) {
      if (forward_.node[i].op == Op::sum) {
        copier_.image[i] = g.statistic(sums++);
      } else {
        copier_.copy(forward_, i);
      }
    }
  }
  constexpr void seed() {
    for (short i = 0; i < forward_.outputs; ++i) {
      const Output& o = forward_.output[i];
      if (o.sink != Sink::store) continue;
      add(o.node, copier_.to.input(static_cast<short>(forward_.inputs + o.index), o.unit));
    }
  }
  constexpr Frequency frequency(short id) const { return copier_.to.node[id].frequency; }

  /// What rows and what squares contribute to an adjoint is kept apart: a coefficient that both
  /// use collects sums over both, and nothing else is used by both.
  constexpr short adjoint(short id, Unit unit) const {
    return adjoint_[static_cast<int>(unit)][id];
  }

  /// Adds `term` to the adjoint of forward node `id`.
  constexpr void add(short id, short term) {
    short& sum = adjoint_[static_cast<int>(copier_.to.node[term].unit)][id];
    sum = sum < 0 ? term : copier_.to.add(sum, term);
  }
  /// The same, where the term comes from a user of frequency `from`: a value that is constant
  /// over the row collects the sum over the row's elements.
  constexpr void add(short id, short term, Frequency from) {
    Graph& g = copier_.to;
    if (from == Frequency::element && forward_.node[id].frequency != Frequency::element)
      term = g.sum(term);
    add(id, term);
  }
  /// Passes an adjoint `d` of node i on to its operands.
  constexpr void propagate(short i, short d) {
    Graph& g = copier_.to;
    const Node& n = forward_.node[i];
    const short a = copier_.at(n.a), b = copier_.at(n.b), y = copier_.image[i];
    switch (n.op) {
      case Op::add:
        add(n.a, d, n.frequency);
        add(n.b, d, n.frequency);
        break;
      case Op::subtract:
        add(n.a, d, n.frequency);
        add(n.b, g.negate(d), n.frequency);
        break;
      case Op::multiply:
        add(n.a, g.multiply(d, b), n.frequency);
        add(n.b, g.multiply(d, a), n.frequency);
        break;
      case Op::divide: {
        const short quotient = g.divide(d, b);
        add(n.a, quotient, n.frequency);
        add(n.b, g.negate(g.multiply(quotient, y)), n.frequency);
        break;
      }
      case Op::negate:
        add(n.a, g.negate(d), n.frequency);
        break;
      case Op::square:
        add(n.a, g.multiply(g.constant(2), g.multiply(d, a)), n.frequency);
        break;
      case Op::root:
        add(n.a, g.divide(g.multiply(g.constant(0.5), d), y), n.frequency);
        break;
      case Op::sum:
        add(n.a, d);
        break;
      case Op::standardise: {
        // y = (u - mean) r:  u' += r (d - mean(d) - y mean(d y)); exact with epsilon inside r.
        const short r = copier_.at(n.c);
        const short centred = g.subtract(d, g.mean(d));
        const short along = g.multiply(g.mean(g.multiply(d, y)), y);
        add(n.a, g.multiply(r, g.subtract(centred, along)));
        break;
      }
      case Op::operation: {
        const short adjoints = g.adjoints(n.operation, a, b, d);
        add(n.a, g.part(adjoints, 0));
        if (n.b >= 0) add(n.b, g.part(adjoints, 1));
        break;
      }
      default:
        break;  // leaves, and sign, which is flat wherever it has a derivative
    }
  }
  constexpr void emit(const short* in_place) {
    for (short i = 0; i < forward_.nodes; ++i)
      for (const short d : {adjoint(i, Unit::row), adjoint(i, Unit::square)})
        if (d >= 0) emit(forward_.node[i], d, in_place);
  }
  constexpr void emit(const Node& n, short adjoint, const short* in_place) {
    Graph& g = copier_.to;
    if (n.op == Op::input) {
      const short over = in_place[n.index];
      if (over == -2) return;  // InPlace::unwanted
      g.emit(Sink::store, n.index, adjoint,
             over < 0 ? static_cast<short>(-1) : static_cast<short>(forward_.inputs + over));
    } else if (n.op == Op::coefficient) {
      g.emit(Sink::coefficient_gradient, n.index, adjoint);
    } else if (n.op == Op::column) {
      g.emit(Sink::column_gradient, n.index, adjoint);
    }
  }

  const Graph& forward_;
  detail::Copier copier_{};
  short adjoint_[2][Graph::capacity]{};  ///< by unit
};

OPTIFORM_NAMESPACE_END
