// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include <optiform/rules/transform.hpp>

OPTIFORM_NAMESPACE_BEGIN

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
      add(o.node, copier_.to.input(static_cast<short>(forward_.inputs + o.index), o.unit),
          Frequency::element);
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
        add(n.a, g.multiply(r, g.subtract(centred, along)), n.frequency);
        break;
      }
      case Op::broadcast:
        add(n.a, d, n.frequency);
        break;
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
