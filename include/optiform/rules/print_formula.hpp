// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <optiform/core/error.hpp>
#include <optiform/rules/recording.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Names of a program's buffers and numbers, for readers. What has no name is numbered.
struct ProgramNames {
  std::string input[24], output[24], column[8], coefficient[2 * Recording::max_coefficients];
};

/// The names of a program's derivative: the adjoint of a is d(a).
inline ProgramNames derivative_names(const Graph& forward, const ProgramNames& names) {
  ProgramNames out = names;
  for (short i = 0; i < forward.stores; ++i)
    out.input[forward.inputs + i] = "d(" + names.output[i] + ")";
  for (short i = 0; i < forward.inputs; ++i) out.output[i] = "d(" + names.input[i] + ")";
  return out;
}

namespace detail {

/// Writes nodes as formulas; nodes that were given a name appear by it.
class FormulaPrinter {
 public:
  FormulaPrinter(const Graph& graph, const ProgramNames& names) : graph_(graph), names_(names) {}

  void give(short id, const std::string& name) { given_[id] = name; }
  bool has_name(short id) const { return !given_[id].empty(); }
  const std::string& name(short id) const { return given_[id]; }

  /// The node by its name, or else by its formula.
  std::string text(short id, int level = 0) const {
    return has_name(id) ? given_[id] : formula(id, level);
  }
  /// The formula itself; in parentheses where it binds less than `level`.
  std::string formula(short id, int level = 0) const {
    const Node& n = graph_.node[id];
    switch (n.op) {
      case Op::input:
        return named(names_.input[n.index], "input", n.index);
      case Op::column:
        return named(names_.column[n.index], "gain", n.index);
      case Op::statistic:
        return message("s", n.index + 1);
      case Op::coefficient:
        return named(names_.coefficient[n.index], "c", n.index);
      case Op::constant:
        return wrapped(message(n.value), n.value < 0 ? additive : atom, level);
      case Op::length:
        return "n";
      case Op::reciprocal_length:
        return wrapped("1 / n", factor, level);
      case Op::bias_correction:
        return wrapped("1 - " + text(n.a, atom) + "^t", additive, level);
      case Op::add:
        return wrapped(text(n.a, additive) + " + " + text(n.b, additive), additive, level);
      case Op::subtract:
        return wrapped(text(n.a, additive) + " - " + text(n.b, factor), additive, level);
      case Op::multiply:
        if (!has_name(n.a) && graph_.node[n.a].op == Op::reciprocal_length)
          return wrapped(text(n.b, factor) + " / n", factor, level);
        if (!has_name(n.b) && graph_.node[n.b].op == Op::reciprocal_length)
          return wrapped(text(n.a, factor) + " / n", factor, level);
        return wrapped(text(n.a, factor) + " * " + text(n.b, factor), factor, level);
      case Op::divide:
        return wrapped(text(n.a, factor) + " / " + text(n.b, atom), factor, level);
      case Op::negate:
        return wrapped("-" + text(n.a, factor), factor, level);
      case Op::square:
        return text(n.a, atom) + "^2";
      case Op::root:
        return "sqrt(" + text(n.a) + ")";
      case Op::sign:
        return "sign(" + text(n.a) + ")";
      case Op::sum:
        return "sum(" + text(n.a) + ")";
      case Op::standardise:
        return wrapped(
            "(" + text(n.a, additive) + " - " + text(n.b, factor) + ") * " + text(n.c, factor),
            factor, level);
      case Op::normalise:
        return "normalise(" + text(n.a) + ")";
      case Op::debias:
        return "debias(" + text(n.a) + ", " + text(n.b) + ")";
      case Op::broadcast:
        return text(n.a, level);
      case Op::operation:
        return n.operation->name + operands(n);
      case Op::adjoints:
        return wrapped("d " + (n.operation->name + operands(n)) + " . " + text(n.c, factor), factor,
                       level);
      case Op::part:
        return message(text(n.a, atom), "[", n.index + 1, "]");
    }
    return {};
  }

 private:
  static constexpr int additive = 1, factor = 2, atom = 3;

  std::string operands(const Node& n) const {
    return "(" + text(n.a) + (n.b < 0 ? "" : ", " + text(n.b)) + ")";
  }
  static std::string named(const std::string& name, const char* kind, short index) {
    return name.empty() ? message(kind, index) : name;
  }
  static std::string wrapped(const std::string& formula, int binds, int level) {
    return binds < level ? "(" + formula + ")" : formula;
  }

  const Graph& graph_;
  const ProgramNames& names_;
  std::string given_[Graph::capacity];
};

/// Calls f(operand) for each operand of a node.
template <class F>
void each_operand(const Node& n, F&& f) {
  for (const short operand : {n.a, n.b, n.c})
    if (operand >= 0) f(operand);
}

}  // namespace detail

OPTIFORM_NAMESPACE_END
