// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/print.hpp>
#include <optiform/rules/stages.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// A program with row operations, stage by stage. What lies between stages is called b1, b2, ... by
/// its buffer; a buffer that nothing reads any more is used again.
class StagesPrinter {
 public:
  StagesPrinter(const Graph& graph, const ProgramNames& names)
      : graph_(graph), stages_(Stager(graph).result()), names_(names) {
    for (short b = 0; b < stages_.buffers; ++b)
      names_.input[graph.inputs + b] = names_.output[graph.stores + b] = message("b", b + 1);
  }

  std::string result() const {
    std::string out;
    for (short i = 0; i < stages_.stages; ++i) {
      const Stage& stage = stages_.stage[i];
      if (stage.is_rows()) {
        const Graph rows = rows_of_stage(graph_, stages_, stage);
        out += stage.unit == Unit::row ? "-- rows\n" : "-- squares\n";
        out += print_program(rows, Planner(rows).result(), names_);
      } else {
        out += "-- operation\n" + operation(stage) + "\n";
      }
    }
    return out;
  }

 private:
  std::string operation(const Stage& stage) const {
    const Node& n = graph_.node[stage.node];
    const bool two = n.operation->operands == 2;
    const std::string applied = message(n.operation->name, "(", name(stage.operand[0]),
                                        two ? ", " + name(stage.operand[1]) : "", ")");
    if (n.op == Op::operation) return name(stage.result[0]) + " = " + applied;
    return name(stage.result[0]) + (two ? ", " + name(stage.result[1]) : "") + " = d " + applied +
           " . " + name(stage.adjoint);
  }
  std::string name(const ValueAt& at) const {
    using enum ValueAt::Memory;
    if (at.memory == input) return names_.input[at.index];
    if (at.memory == output) return names_.output[at.index];
    return names_.input[graph_.inputs + at.index];
  }

  const Graph& graph_;
  const Stages stages_;
  ProgramNames names_;
};

/// A program of either kind, as it is run.
inline std::string print_staged(const Graph& graph, const ProgramNames& names) {
  if (graph.is_staged()) return StagesPrinter(graph, names).result();
  return print_program(graph, Planner(graph).result(), names);
}

OPTIFORM_NAMESPACE_END
