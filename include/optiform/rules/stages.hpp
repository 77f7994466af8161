// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include <optiform/rules/plan.hpp>
#include <optiform/rules/transform.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Where an operation reads or leaves a value: a buffer of the program, or one between its stages.
struct ValueAt {
  enum class Memory : unsigned char { input, output, between };
  Memory memory = Memory::between;
  short index = -1;
};

/// One piece of a program: elementwise arithmetic and sums on rows of one unit, or an operation.
struct Stage {
  Unit unit = Unit::row;  ///< of the rows
  short level = 0;
  short node = -1;  ///< of the operation, or of its adjoints; -1: it is a row program
  ValueAt operand[2], adjoint, result[2];

  constexpr bool is_rows() const { return node < 0; }
};

/// How a program with row operations is run: as row programs of one unit each, and operations.
///
/// The level of a value is the number of operations in a row on the longest way to it. At each
/// level come its operations, then one row program per unit: that makes the operands of later
/// operations and every output as early as it can be, but a store that overwrites an input comes
/// after the last read of it. Results of operations lie in buffers between stages; an element value
/// that a later stage needs again is computed again. Buffers are reused once nothing reads them any
/// more.
///
/// Contract  buffer b of `between` is input graph.inputs + b and output graph.stores + b of the row
///           programs.
struct Stages {
  static constexpr int capacity = 32, most_buffers = 12;

  Stage stage[capacity]{};
  short stages = 0;
  Unit buffer_unit[most_buffers]{};
  short buffers = 0;
  short output_level[Graph::output_capacity]{};
  short level[Graph::capacity]{};      ///< by node
  short buffer_of[Graph::capacity]{};  ///< by node: where it lies between stages, or -1
  bool overflow = false;
};

/// Whether a node's value is made by an operation, not by a row program.
constexpr bool is_operated(Op op) {
  return op == Op::operation || op == Op::adjoints || op == Op::part;
}

/// Cuts a program into stages.
class Stager {
 public:
  constexpr explicit Stager(const Graph& graph) : graph_(graph) {
    for (short& b : stages_.buffer_of) b = -1;
    find_levels();
    mark_operands();
    delay_overwriting_stores();
    order();
    place_values();
  }
  constexpr Stages result() const { return stages_; }

 private:
  static constexpr bool runs(Op op) { return op == Op::operation || op == Op::adjoints; }

  constexpr void find_levels() {
    for (short i = 0; i < graph_.nodes; ++i) {
      const Node& n = graph_.node[i];
      short level = 0;
      for (const short operand : {n.a, n.b, n.c})
        if (operand >= 0 && stages_.level[operand] > level) level = stages_.level[operand];
      if (runs(n.op)) ++level;
      stages_.level[i] = level;
      if (level > last_) last_ = level;
    }
    for (short o = 0; o < graph_.outputs; ++o)
      stages_.output_level[o] = stages_.level[graph_.output[o].node];
  }

  /// What row programs must make for operations.
  constexpr void mark_operands() {
    for (short i = 0; i < graph_.nodes; ++i) {
      const Node& n = graph_.node[i];
      if (!runs(n.op)) continue;
      for (const short operand : {n.a, n.b, n.c}) {
        if (operand < 0) continue;
        const Op op = graph_.node[operand].op;
        operand_[operand] = op != Op::input && !is_operated(op);
      }
    }
  }

  /// Marks what the row program of a unit and level computes or reads; false if it has no work.
  constexpr bool collect(Unit unit, short level) {
    for (bool& needed : needed_) needed = false;
    bool any = false;
    const auto root = [&](short id) { any = needed_[id] = true; };
    for (short i = 0; i < graph_.nodes; ++i)
      if (operand_[i] && graph_.node[i].unit == unit && stages_.level[i] == level) root(i);
    for (short o = 0; o < graph_.outputs; ++o)
      if (graph_.output[o].unit == unit && stages_.output_level[o] == level)
        root(graph_.output[o].node);
    graph_.mark_operands(needed_, is_operated);
    return any;
  }

  constexpr void delay_overwriting_stores() {
    for (bool moved = true; moved;) {
      moved = false;
      short last_read[Graph::output_capacity * 2]{};
      const auto read = [&](short id, short level) {
        const Node& n = graph_.node[id];
        if (n.op == Op::input && level > last_read[n.index]) last_read[n.index] = level;
      };
      for (short level = 0; level <= last_; ++level)
        for (const Unit unit : {Unit::row, Unit::square})
          if (collect(unit, level))
            for (short i = 0; i < graph_.nodes; ++i)
              if (needed_[i]) read(i, level);
      for (short i = 0; i < graph_.nodes; ++i)
        if (const Node& n = graph_.node[i]; runs(n.op))
          for (const short operand : {n.a, n.b, n.c})
            if (operand >= 0) read(operand, stages_.level[i]);
      for (short o = 0; o < graph_.outputs; ++o) {
        const short over = graph_.output[o].in_place_of;
        if (over < 0 || stages_.output_level[o] >= last_read[over]) continue;
        stages_.output_level[o] = last_read[over];
        moved = true;
      }
    }
  }

  constexpr void order() {
    for (short level = 0; level <= last_; ++level) {
      for (short i = 0; i < graph_.nodes; ++i)
        if (runs(graph_.node[i].op) && stages_.level[i] == level) append(level).node = i;
      for (const Unit unit : {Unit::row, Unit::square})
        if (collect(unit, level)) append(level).unit = unit;
    }
  }
  constexpr Stage& append(short level) {
    if (stages_.stages == Stages::capacity) {
      stages_.overflow = true;
      --stages_.stages;
    }
    Stage& stage = stages_.stage[stages_.stages++];
    stage.level = level;
    return stage;
  }

  /// Finds out how long each value between stages is read, and gives it a buffer for so long.
  constexpr void place_values() {
    for (short s = 0; s < stages_.stages; ++s) {
      const Stage& stage = stages_.stage[s];
      if (stage.is_rows()) {
        collect(stage.unit, stage.level);
        for (short i = 0; i < graph_.nodes; ++i)
          if (needed_[i]) last_use_[i] = s;
      } else {
        const Node& n = graph_.node[stage.node];
        for (const short operand : {n.a, n.b, n.c})
          if (operand >= 0) last_use_[operand] = s;
      }
    }
    for (short s = 0; s < stages_.stages; ++s) {
      Stage& stage = stages_.stage[s];
      if (stage.is_rows())
        place_operands(stage, s);
      else
        place_operation(stage, s);
    }
  }
  constexpr void place_operands(const Stage& stage, short s) {
    for (short i = 0; i < graph_.nodes; ++i)
      if (operand_[i] && graph_.node[i].unit == stage.unit && stages_.level[i] == stage.level &&
          stored_at(i) < 0)
        stages_.buffer_of[i] = buffer(stage.unit, s, last_use_[i]);
  }
  constexpr void place_operation(Stage& stage, short s) {
    const Node& n = graph_.node[stage.node];
    stage.operand[0] = at(n.a);
    if (n.b >= 0) stage.operand[1] = at(n.b);
    if (n.op == Op::operation) {
      stage.result[0] = {ValueAt::Memory::between,
                         stages_.buffer_of[stage.node] = buffer(n.unit, s, last_use_[stage.node])};
      return;
    }
    stage.adjoint = at(n.c);
    for (short k = 0; k < n.operation->operands; ++k) {
      const short part = part_of(stage.node, k);
      const short b = buffer(n.operation->operand[k], s, part < 0 ? s : last_use_[part]);
      stage.result[k] = {ValueAt::Memory::between, b};
      if (part >= 0) stages_.buffer_of[part] = b;
    }
  }

  constexpr ValueAt at(short id) const {
    using enum ValueAt::Memory;
    const Node& n = graph_.node[id];
    if (n.op == Op::input) return {input, n.index};
    if (stages_.buffer_of[id] >= 0) return {between, stages_.buffer_of[id]};
    return {output, stored_at(id)};
  }
  /// The output buffer that holds a node's value from its own level on, or -1.
  constexpr short stored_at(short id) const {
    for (short o = 0; o < graph_.outputs; ++o) {
      const Output& out = graph_.output[o];
      if (out.sink == Sink::store && out.node == id && out.unit == graph_.node[id].unit &&
          stages_.output_level[o] == stages_.level[id])
        return out.index;
    }
    return -1;
  }
  constexpr short part_of(short adjoints, short index) const {
    for (short i = 0; i < graph_.nodes; ++i)
      if (graph_.node[i].op == Op::part && graph_.node[i].a == adjoints &&
          graph_.node[i].index == index)
        return i;
    return -1;
  }

  /// A buffer that nothing reads from stage `from` on, kept until stage `to` is over.
  constexpr short buffer(Unit unit, short from, short to) {
    for (short b = 0; b < stages_.buffers; ++b) {
      if (stages_.buffer_unit[b] != unit || busy_until_[b] >= from) continue;
      busy_until_[b] = to;
      return b;
    }
    if (stages_.buffers == Stages::most_buffers) {
      stages_.overflow = true;
      return 0;
    }
    stages_.buffer_unit[stages_.buffers] = unit;
    busy_until_[stages_.buffers] = to;
    return stages_.buffers++;
  }

  const Graph& graph_;
  Stages stages_{};
  short last_ = 0;  ///< level
  bool operand_[Graph::capacity]{};
  bool needed_[Graph::capacity]{};
  short last_use_[Graph::capacity]{};
  short busy_until_[Stages::most_buffers]{};
};

/// The row program of one stage.
constexpr Graph rows_of_stage(const Graph& from, const Stages& stages, const Stage& stage) {
  const auto made_here = [&](short id) {
    return stages.buffer_of[id] >= 0 && !is_operated(from.node[id].op) &&
           stages.level[id] == stage.level && from.node[id].unit == stage.unit;
  };
  const auto stored_here = [&](short o) {
    return from.output[o].unit == stage.unit && stages.output_level[o] == stage.level;
  };
  bool live[Graph::capacity]{};
  for (short o = 0; o < from.outputs; ++o)
    if (stored_here(o)) live[from.output[o].node] = true;
  for (short i = 0; i < from.nodes; ++i)
    if (made_here(i)) live[i] = true;
  from.mark_operands(live, is_operated);
  detail::Copier copier;
  Graph& to = copier.to;
  copier.interface(from);
  to.inputs = static_cast<short>(from.inputs + stages.buffers);
  to.stores = static_cast<short>(from.stores + stages.buffers);
  for (short i = 0; i < from.nodes; ++i) {
    if (!live[i]) continue;
    if (is_operated(from.node[i].op))
      copier.image[i] =
          to.input(static_cast<short>(from.inputs + stages.buffer_of[i]), from.node[i].unit);
    else
      copier.copy(from, i);
  }
  for (short i = 0; i < from.nodes; ++i)
    if (made_here(i))
      to.emit(Sink::store, static_cast<short>(from.stores + stages.buffer_of[i]), copier.at(i), -1,
              stage.unit);
  for (short o = 0; o < from.outputs; ++o)
    if (const Output& out = from.output[o]; stored_here(o))
      to.emit(out.sink, out.index, copier.at(out.node), out.in_place_of, out.unit);
  return pruned(to);
}

OPTIFORM_NAMESPACE_END
