// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/rules/plan.hpp>
#include <optiform/rules/print_formula.hpp>

OPTIFORM_NAMESPACE_BEGIN

namespace detail {

inline void append_line(std::string& out, const std::string& head, const std::string& line) {
  out += head + std::string(head.size() < 13 ? 13 - head.size() : 1, ' ') + line + "\n";
}

inline std::string coefficient_text(const CoefficientInfo& c) {
  if (c.pinned) return message(c.name, " = ", c.pinned_value, ", pinned");
  if (c.kind == CoefficientKind::rate) return message(c.name, ", the learning rate; 1 in depth");
  if (c.kind == CoefficientKind::constant) return message(c.name, " = ", c.initial, ", given");
  return message(c.name, c.kind == CoefficientKind::unit ? " in (0, 1)" : " > 0", ", learned from ",
                 c.initial);
}

}  // namespace detail

/// A rule as it was recorded: streams, coefficients, query and step as assignments.
///
///   print_rule(recording<TripleMomentum>)
inline std::string print_rule(const Recording& rule) {
  ProgramNames names;
  names.input[0] = "x";
  names.input[rule.streams + 1] = "g";
  std::string out;
  for (short s = 0; s < rule.streams; ++s) {
    const Init init = rule.stream[s].init;
    names.input[s + 1] = rule.stream[s].name;
    detail::append_line(out, "stream",
                        message(rule.stream[s].name, init == Init::learned ? ", starts learned"
                                                     : init == Init::ones  ? ", starts at 1"
                                                     : init == Init::zeros ? ", starts at 0"
                                                                           : ", starts at I"));
  }
  for (short c = 0; c < rule.coefficients; ++c) {
    names.coefficient[c] = rule.coefficient[c].name;
    detail::append_line(out, "coefficient", detail::coefficient_text(rule.coefficient[c]));
  }
  const Graph& g = rule.graph;
  detail::FormulaPrinter printer(g, names);
  detail::append_line(out, "query", printer.text(rule.query));

  // Names for the new state and for rows that are used more than once.
  int uses[Graph::capacity]{};
  bool assigned[Graph::capacity]{};
  for (short s = 0; s <= rule.streams; ++s) ++uses[rule.now[s]];
  for (short i = static_cast<short>(g.nodes - 1); i >= 0; --i)
    if (uses[i] > 0) detail::each_operand(g.node[i], [&](short operand) { ++uses[operand]; });
  for (short s = rule.streams; s >= 0; --s) {
    const short id = rule.now[s];
    if (is_leaf(g.node[id].op)) continue;
    assigned[id] = true;
    printer.give(id, names.input[s] + "'");
  }
  short locals = 0;
  for (short i = 0; i < g.nodes; ++i) {
    const Node& n = g.node[i];
    if (uses[i] < 2 || assigned[i] || n.frequency != Frequency::element || is_leaf(n.op)) continue;
    assigned[i] = true;
    printer.give(i, message("u", ++locals));
  }
  std::string head = "step";
  for (short i = 0; i < g.nodes; ++i) {
    if (!assigned[i]) continue;
    detail::append_line(out, head, printer.name(i) + " = " + printer.formula(i));
    head.clear();
  }
  if (rule.read_out != rule.now[0])
    detail::append_line(out, "read-out", printer.text(rule.read_out));
  return out;
}

/// A program as its plan runs it: what each sweep over a row computes, adds up and stores, and the
/// row values that are known after it.
///
/// Contract  `u` are element values, `s` sums that the forward pass saves, `a` other sums, `r`
///           values of the row; what depends on coefficients alone is computed once per launch.
class ProgramPrinter {
 public:
  ProgramPrinter(const Graph& graph, const Plan& plan, const ProgramNames& names)
      : graph_(graph), plan_(plan), names_(names), printer_(graph, names) {
    name_sums();
    name_row_values();
    name_element_values();
  }

  std::string result() const {
    std::string out;
    for (short s = 0; s < plan_.sweeps; ++s) {
      row_values(out, s);
      sweep(out, s);
    }
    row_values(out, plan_.sweeps);
    std::string saved;
    for (short o = 0; o < graph_.outputs; ++o)
      if (graph_.output[o].sink == Sink::statistic)
        saved += (saved.empty() ? "" : ", ") + printer_.text(graph_.output[o].node);
    if (!saved.empty()) out += "save " + saved + "\n";
    for (short o = 0; o < graph_.outputs; ++o)
      if (graph_.output[o].sink == Sink::coefficient_gradient)
        out += message("d(", names_.coefficient[graph_.output[o].index],
                       ") += ", printer_.text(graph_.output[o].node), "\n");
    return out;
  }

 private:
  void name_sums() {
    for (short o = 0; o < graph_.outputs; ++o)
      if (graph_.output[o].sink == Sink::statistic)
        printer_.give(graph_.output[o].node, message("s", graph_.output[o].index + 1));
    short other = 0;
    for (short i = 0; i < graph_.nodes; ++i)
      if (graph_.node[i].op == Op::sum && !printer_.has_name(i))
        printer_.give(i, message("a", ++other));
  }

  /// Row values that elements use, or that are used more than once, have a line of their own.
  void name_row_values() {
    int uses[Graph::capacity]{};
    for (short i = 0; i < graph_.nodes; ++i) {
      const int weight = graph_.node[i].frequency == Frequency::element ? 2 : 1;
      detail::each_operand(graph_.node[i], [&](short operand) { uses[operand] += weight; });
    }
    short count = 0;
    for (short i = 0; i < graph_.nodes; ++i) {
      const Node& n = graph_.node[i];
      if (n.frequency == Frequency::row && uses[i] > 1 && !is_leaf(n.op) && !printer_.has_name(i))
        printer_.give(i, message("r", ++count));
    }
  }

  void name_element_values() {
    bool shared[Graph::capacity]{};
    for (short s = 0; s < plan_.sweeps; ++s) {
      int uses[Graph::capacity]{};
      const Sweep& sweep = plan_.sweep[s];
      for (short i = 0; i < sweep.elements; ++i)
        if (!sweep.from_scratch[i])
          detail::each_operand(graph_.node[sweep.element[i]],
                               [&](short operand) { ++uses[operand]; });
      for (short i = 0; i < sweep.sums; ++i) ++uses[graph_.node[sweep.sum[i]].a];
      for (short i = 0; i < sweep.stores; ++i) ++uses[graph_.output[sweep.store[i]].node];
      for (short i = 0; i < sweep.keeps; ++i) uses[sweep.keep[i]] = 2;
      for (short i = 0; i < graph_.nodes; ++i) shared[i] = shared[i] || uses[i] > 1;
    }
    for (short o = 0; o < graph_.outputs; ++o) {
      const Output& out = graph_.output[o];
      const Node& n = graph_.node[out.node];
      if (out.sink == Sink::store && n.frequency == Frequency::element && !is_leaf(n.op) &&
          !printer_.has_name(out.node))
        printer_.give(out.node, names_.output[out.index]);
    }
    short count = 0;
    for (short i = 0; i < graph_.nodes; ++i)
      if (shared[i] && graph_.node[i].frequency == Frequency::element &&
          !is_leaf(graph_.node[i].op) && !printer_.has_name(i))
        printer_.give(i, message("u", ++count));
  }

  void sweep(std::string& out, short s) const {
    const Sweep& sweep = plan_.sweep[s];
    out += message("sweep ", s + 1, "\n");
    for (short i = 0; i < sweep.elements; ++i) {
      const short id = sweep.element[i];
      if (sweep.from_scratch[i])
        out += "  " + printer_.name(id) + " from scratch\n";
      else if (printer_.has_name(id))
        out += "  " + printer_.name(id) + " = " + printer_.formula(id) + "\n";
    }
    for (short i = 0; i < sweep.sums; ++i)
      out += "  " + printer_.name(sweep.sum[i]) + " = " + printer_.formula(sweep.sum[i]) + "\n";
    for (short i = 0; i < sweep.keeps; ++i)
      out += "  " + printer_.name(sweep.keep[i]) + " to scratch\n";
    for (short i = 0; i < sweep.stores; ++i) {
      const Output& o = graph_.output[sweep.store[i]];
      const std::string value = printer_.text(o.node);
      if (o.sink == Sink::column_gradient)
        out += "  d(" + names_.column[o.index] + ") += " + value + "\n";
      else if (names_.output[o.index] == value)
        out += "  store " + value + "\n";
      else
        out += "  store " + names_.output[o.index] + " = " + value + "\n";
    }
  }

  void row_values(std::string& out, short phase) const {
    for (short i = 0; i < plan_.row_nodes; ++i) {
      const short id = plan_.row_node[i];
      if (plan_.row_phase[i] != phase || graph_.node[id].op == Op::sum || !printer_.has_name(id))
        continue;
      out += printer_.name(id) + " = " + printer_.formula(id) + "\n";
    }
  }

  const Graph& graph_;
  const Plan& plan_;
  const ProgramNames& names_;
  detail::FormulaPrinter printer_;
};

/// A program as its plan runs it.
inline std::string print_program(const Graph& graph, const Plan& plan, const ProgramNames& names) {
  return ProgramPrinter(graph, plan, names).result();
}

/// A program without a plan: formulas of its outputs, and of what they share.
inline std::string print_graph(const Graph& graph, const ProgramNames& names) {
  detail::FormulaPrinter printer(graph, names);
  int uses[Graph::capacity]{};
  for (short o = 0; o < graph.outputs; ++o) ++uses[graph.output[o].node];
  for (short i = static_cast<short>(graph.nodes - 1); i >= 0; --i)
    if (uses[i] > 0) detail::each_operand(graph.node[i], [&](short operand) { ++uses[operand]; });
  std::string out;
  short count = 0;
  for (short i = 0; i < graph.nodes; ++i) {
    if (uses[i] < 2 || is_leaf(graph.node[i].op)) continue;
    const std::string name = message("u", ++count);
    out += name + " = " + printer.formula(i) + "\n";
    printer.give(i, name);
  }
  for (short o = 0; o < graph.outputs; ++o) {
    const Output& output = graph.output[o];
    const std::string value = printer.text(output.node);
    switch (output.sink) {
      case Sink::store:
        out += names.output[output.index] + " = " + value + "\n";
        break;
      case Sink::statistic:
        out += message("s", output.index + 1, " = ", value, "\n");
        break;
      case Sink::coefficient_gradient:
        out += "d(" + names.coefficient[output.index] + ") += " + value + "\n";
        break;
      case Sink::column_gradient:
        out += "d(" + names.column[output.index] + ") += " + value + "\n";
        break;
    }
  }
  return out;
}

OPTIFORM_NAMESPACE_END
