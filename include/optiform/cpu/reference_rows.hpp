// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <optiform/core/lanes.hpp>
#include <optiform/rules/operations.hpp>
#include <optiform/rules/program.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Row programs by the book: every node of the graph in order, every element in order, no plan.
///
/// Shapes    S is what row operations take a row for; it means nothing to programs without them.
/// Contract  see RowArguments. Temporaries are allocated.
/// See       RowKernel, which runs the same graphs by their plans.
template <class P, class T, UnitShape S = UnitShape{}>
class ReferenceRows {
 public:
  static void run(const RowArguments<T>& a) {
    ReferenceRows rows(a);
    for (Index row = 0; row < a.rows; ++row) rows.one(row);
  }

 private:
  static constexpr const Graph& graph = P::graph;
  using Wide = wide_t<T>;

  explicit ReferenceRows(const RowArguments<T>& a)
      : a_(a), few_(graph.nodes), value_(static_cast<std::size_t>(graph.nodes)) {
    for (short i = 0; i < graph.nodes; ++i)
      if (graph.node[i].frequency == Frequency::element)
        values(i).resize(static_cast<std::size_t>(elements(graph.node[i])));
  }

  Index size(Unit unit) const { return unit == Unit::row ? a_.length : S.size(unit); }
  /// Adjoints of several operands lie one after the other.
  Index elements(const Node& n) const {
    if (n.op != Op::adjoints) return size(n.unit);
    Index sum = 0;
    for (int k = 0; k < n.operation->operands; ++k) sum += size(n.operation->operand[k]);
    return sum;
  }

  /// Launch and row values in the wide scalar, element values in T.
  void one(Index row) {
    for (short i = 0; i < graph.nodes; ++i) {
      const Node& n = graph.node[i];
      if (is_operated(n.op)) {
        if constexpr (graph.is_staged()) operate(i, n);
      } else if (n.frequency == Frequency::element) {
        for (Index e = 0; e < size(n.unit); ++e)
          element(i, e) = n.op == Op::input    ? a_.input[n.index][row * size(n.unit) + e]
                          : n.op == Op::column ? a_.column[n.index][e]
                                               : compute<T>(n, [&](short j) { return at(j, e); });
      } else {
        few_[static_cast<std::size_t>(i)] = scalar(n, row);
      }
    }
    for (short o = 0; o < graph.outputs; ++o) write(graph.output[o], row);
  }

  /// An operation, its adjoints, or one of those.
  void operate(short i, const Node& n) {
    if (n.op == Op::part) {
      const auto& info = *graph.node[n.a].operation;
      const auto first = values(n.a).begin() + (n.index == 0 ? 0 : size(info.operand[0]));
      std::copy_n(first, size(n.unit), values(i).begin());
      return;
    }
    [&]<short... Id>(std::integer_sequence<short, Id...>) { (operate_if<Id>(i), ...); }
    (std::make_integer_sequence<short, graph.nodes>{});
  }
  template <short Id>
  void operate_if(short i) {
    constexpr Node n = graph.node[Id];
    if constexpr (n.op == Op::operation || n.op == Op::adjoints) {
      using Operation = operation_of<P, Id>;
      if (i != Id) return;
      const T* const operand[] = {values(n.a).data(), values(n.b < 0 ? n.a : n.b).data()};
      std::vector<T> workspace(static_cast<std::size_t>(Operation::template workspace<S>));
      if constexpr (n.op == Op::operation) {
        Operation::template forward<S, T>(operand, values(i).data(), workspace.data());
      } else {
        T* const adjoint[] = {values(i).data(), values(i).data() + size(n.operation->operand[0])};
        Operation::template backward<S, T>(operand, values(n.c).data(), adjoint, workspace.data());
      }
    }
  }

  Wide scalar(const Node& n, Index row) {
    switch (n.op) {
      case Op::statistic:
        return Wide(a_.statistic[row * graph.statistics + n.index]);
      case Op::coefficient:
        return a_.coefficient[n.index];
      case Op::constant:
        return Wide(n.value);
      case Op::length:
        return Wide(static_cast<double>(a_.length));
      case Op::reciprocal_length:
        return Wide(1 / static_cast<double>(a_.length));
      case Op::bias_correction: {
        using std::exp;
        using std::log;
        const Wide decay = few(n.a);
        return decay == Wide(0) ? Wide(1) : Wide(1) - exp(Wide(a_.clock) * log(decay));
      }
      case Op::sum: {
        Wide total(0);
        for (Index e = 0; e < size(n.unit); ++e) total += Wide(element(n.a, e));
        return total;
      }
      default:
        return compute<Wide>(n, [&](short j) { return few(j); });
    }
  }

  template <class U, class At>
  static U compute(const Node& n, At at) {
    using std::sqrt;
    switch (n.op) {
      case Op::add:
        return at(n.a) + at(n.b);
      case Op::subtract:
        return at(n.a) - at(n.b);
      case Op::multiply:
        return at(n.a) * at(n.b);
      case Op::divide:
        return at(n.a) / at(n.b);
      case Op::negate:
        return -at(n.a);
      case Op::square:
        return at(n.a) * at(n.a);
      case Op::root:
        return sqrt(at(n.a));
      case Op::sign:
        return sign(at(n.a));
      case Op::broadcast:
        return at(n.a);
      case Op::standardise:
        return (at(n.a) - at(n.b)) * at(n.c);
      default:
        return U(0);
    }
  }

  void write(const Output& o, Index row) {
    const bool wide = graph.node[o.node].frequency != Frequency::element;
    switch (o.sink) {
      case Sink::store:
        for (Index e = 0; e < size(o.unit); ++e)
          a_.output[o.index][row * size(o.unit) + e] = at(o.node, e);
        break;
      case Sink::statistic:
        if (a_.statistic != nullptr)
          a_.statistic[row * graph.statistics + o.index] = T(few(o.node));
        break;
      case Sink::coefficient_gradient:
        a_.coefficient_gradient[o.index] += few(o.node);
        break;
      case Sink::column_gradient:
        for (Index e = 0; e < a_.length; ++e)
          a_.column_gradient[o.index][e] += wide ? T(few(o.node)) : element(o.node, e);
        break;
    }
  }

  Wide& few(short i) { return few_[static_cast<std::size_t>(i)]; }
  std::vector<T>& values(short i) { return value_[static_cast<std::size_t>(i)]; }
  T& element(short i, Index e) { return values(i)[static_cast<std::size_t>(e)]; }
  T at(short i, Index e) {
    return graph.node[i].frequency == Frequency::element ? element(i, e) : T(few(i));
  }

  const RowArguments<T>& a_;
  std::vector<Wide> few_;
  std::vector<std::vector<T>> value_;
};

OPTIFORM_NAMESPACE_END
