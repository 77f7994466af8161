// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include <optiform/rules/graph.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// One pass over a row: element values to compute, sums to take, results to write; then the row
/// values that have become known.
struct Sweep {
  /// Enough for the gradients of all coefficients of two steps, and the norms of one.
  static constexpr short most_sums = 40;

  short element[Graph::capacity]{};      ///< nodes in evaluation order
  bool from_scratch[Graph::capacity]{};  ///< by position: read back instead of computed
  short elements = 0;
  short coarse[Graph::capacity]{};  ///< launch and row values it reads
  short coarses = 0;
  short sum[most_sums]{};  ///< nodes whose operand this sweep adds up
  short sums = 0;
  short store[Graph::output_capacity]{};  ///< outputs written in this sweep
  short stores = 0;
  short keep[most_sums]{};  ///< nodes written to scratch for a later sweep
  short keeps = 0;
};

/// How a program visits a row held in cache or registers.
///
/// A sum needs a whole sweep before anything that depends on it, so values fall into phases: the
/// number of sums in a row on the longest way to them. A value that a later phase needs again is
/// recomputed, unless that costs more than `threshold` units (a load or an operation is 1, a
/// division or root 8); then it goes to a scratch row.
struct Plan {
  static constexpr int max_sweeps = 12;
  static constexpr int threshold = 5;

  Sweep sweep[max_sweeps]{};
  short sweeps = 0;
  short scratch_of[Graph::capacity]{};  ///< scratch row of a node, or -1
  short scratch_rows = 0;
  short row_node[Graph::capacity]{};  ///< row values in evaluation order
  short row_phase[Graph::capacity]{};
  short row_nodes = 0;
  short loads = 0, divisions = 0, operations = 0;  ///< per element, over all sweeps
  bool overflow = false;
};

/// Plans a program.
class Planner {
 public:
  constexpr explicit Planner(const Graph& graph) : graph_(graph) {
    find_phases();
    choose_scratch();
    // Scratch that no sweep reads back is dropped; that can make other scratch useless.
    for (bool changed = true; changed;) {
      schedule();
      changed = drop_unused_scratch();
    }
    finish();
  }
  constexpr Plan result() const { return plan_; }

 private:
  constexpr bool element(short id) const { return graph_.node[id].frequency == Frequency::element; }

  constexpr void find_phases() {
    for (short i = 0; i < graph_.nodes; ++i) {
      const Node& n = graph_.node[i];
      short phase = 0;
      for (const short operand : {n.a, n.b, n.c})
        if (operand >= 0 && phase_[operand] > phase) phase = phase_[operand];
      if (n.op == Op::sum) ++phase;
      phase_[i] = phase;
      if (phase + 1 > last_) last_ = static_cast<short>(phase + 1);
    }
    // Trailing phases without element work need no sweep.
    short sweeps = 0;
    for (short i = 0; i < graph_.nodes; ++i)
      if (graph_.node[i].op == Op::sum && phase_[i] > sweeps) sweeps = phase_[i];
    for (short i = 0; i < graph_.outputs; ++i) {
      const Output& o = graph_.output[i];
      if (writes_elements(o) && phase_[o.node] + 1 > sweeps)
        sweeps = static_cast<short>(phase_[o.node] + 1);
    }
    plan_.sweeps = sweeps;
    if (sweeps > Plan::max_sweeps) plan_.overflow = true;
  }

  static constexpr bool writes_elements(const Output& o) {
    return o.sink == Sink::store || o.sink == Sink::column_gradient;
  }

  static constexpr int price(Op op) {
    if (op == Op::divide || op == Op::root) return 8;
    return op == Op::standardise ? 2 : 1;
  }

  constexpr void choose_scratch() {
    int cost[Graph::capacity]{};
    bool crosses[Graph::capacity]{};
    for (short i = 0; i < graph_.nodes; ++i) {
      const Node& n = graph_.node[i];
      if (!element(i)) continue;
      for (const short operand : {n.a, n.b, n.c})
        if (operand >= 0 && element(operand) && phase_[operand] < phase_[i])
          crosses[operand] = true;
    }
    for (short i = 0; i < graph_.nodes; ++i) {
      plan_.scratch_of[i] = -1;
      const Node& n = graph_.node[i];
      if (!element(i)) continue;
      cost[i] = price(n.op);
      for (const short operand : {n.a, n.b, n.c}) {
        if (operand < 0 || !element(operand)) continue;
        cost[i] += plan_.scratch_of[operand] >= 0 ? 1 : cost[operand];
      }
      if (crosses[i] && cost[i] >= Plan::threshold) plan_.scratch_of[i] = 0;
    }
  }

  /// Marks what sweep s must compute to have `id`.
  constexpr void need(short s, short id) {
    if (!element(id) || needed_[id]) return;
    needed_[id] = true;
    if (plan_.scratch_of[id] >= 0 && phase_[id] < s) {
      read_back_[id] = true;
      return;
    }
    const Node& n = graph_.node[id];
    for (const short operand : {n.a, n.b, n.c})
      if (operand >= 0) need(s, operand);
  }

  constexpr void schedule() {
    for (short i = 0; i < graph_.nodes; ++i) used_[i] = false;
    delay_overwriting_stores();
    for (short s = 0; s < plan_.sweeps && !plan_.overflow; ++s) {
      Sweep sweep{};
      collect(s, sweep);
      for (short i = 0; i < graph_.nodes; ++i) {
        if (!needed_[i]) continue;
        sweep.from_scratch[sweep.elements] = read_back_[i];
        sweep.element[sweep.elements++] = i;
        if (read_back_[i]) used_[i] = true;
      }
      find_coarse(sweep);
      plan_.sweep[s] = sweep;
    }
  }

  constexpr void find_coarse(Sweep& sweep) {
    bool read[Graph::capacity]{};
    for (short i = 0; i < sweep.elements; ++i) {
      if (sweep.from_scratch[i]) continue;
      const Node& n = graph_.node[sweep.element[i]];
      for (const short operand : {n.a, n.b, n.c})
        if (operand >= 0 && !element(operand)) read[operand] = true;
    }
    for (short i = 0; i < sweep.stores; ++i) {
      const short from = graph_.output[sweep.store[i]].node;
      if (!element(from)) read[from] = true;
    }
    for (short i = 0; i < graph_.nodes; ++i)
      if (read[i]) sweep.coarse[sweep.coarses++] = i;
  }

  constexpr void collect(short s, Sweep& sweep) {
    for (short i = 0; i < graph_.nodes; ++i) needed_[i] = read_back_[i] = false;
    for (short i = 0; i < graph_.nodes; ++i) {
      if (graph_.node[i].op == Op::sum && phase_[i] == s + 1) {
        need(s, graph_.node[i].a);
        if (sweep.sums == Sweep::most_sums)
          plan_.overflow = true;
        else
          sweep.sum[sweep.sums++] = i;
      }
      if (plan_.scratch_of[i] >= 0 && phase_[i] == s) {
        need(s, i);
        if (sweep.keeps == Sweep::most_sums)
          plan_.overflow = true;
        else
          sweep.keep[sweep.keeps++] = i;
      }
    }
    for (short o = 0; o < graph_.outputs; ++o) {
      if (!writes_elements(graph_.output[o]) || store_sweep_[o] != s) continue;
      need(s, graph_.output[o].node);
      sweep.store[sweep.stores++] = o;
    }
  }

  /// A store that overwrites an input waits for the last sweep that reads that input.
  constexpr void delay_overwriting_stores() {
    for (short o = 0; o < graph_.outputs; ++o) store_sweep_[o] = phase_[graph_.output[o].node];
    for (bool moved = true; moved;) {
      moved = false;
      short last_read[Graph::output_capacity * 2]{};
      for (short s = 0; s < plan_.sweeps && !plan_.overflow; ++s) {
        Sweep sweep{};
        collect(s, sweep);
        for (short i = 0; i < graph_.nodes; ++i)
          if (needed_[i] && graph_.node[i].op == Op::input) last_read[graph_.node[i].index] = s;
      }
      for (short o = 0; o < graph_.outputs; ++o) {
        const Output& out = graph_.output[o];
        if (out.in_place_of < 0 || store_sweep_[o] >= last_read[out.in_place_of]) continue;
        store_sweep_[o] = last_read[out.in_place_of];
        moved = true;
      }
    }
  }

  constexpr bool drop_unused_scratch() {
    bool changed = false;
    for (short i = 0; i < graph_.nodes; ++i) {
      if (plan_.scratch_of[i] >= 0 && !used_[i]) {
        plan_.scratch_of[i] = -1;
        changed = true;
      }
    }
    return changed;
  }

  constexpr void finish() {
    for (short i = 0; i < graph_.nodes; ++i) {
      if (plan_.scratch_of[i] >= 0) plan_.scratch_of[i] = plan_.scratch_rows++;
      if (graph_.node[i].frequency == Frequency::row) {
        plan_.row_phase[plan_.row_nodes] = phase_[i];
        plan_.row_node[plan_.row_nodes++] = i;
      }
    }
    for (short s = 0; s < plan_.sweeps && !plan_.overflow; ++s) {
      const Sweep& sweep = plan_.sweep[s];
      for (short i = 0; i < sweep.elements; ++i) {
        const Op op = graph_.node[sweep.element[i]].op;
        if (op == Op::input || op == Op::column || sweep.from_scratch[i]) {
          ++plan_.loads;
        } else {
          plan_.operations = static_cast<short>(plan_.operations + (op == Op::standardise ? 2 : 1));
          if (op == Op::divide || op == Op::root) ++plan_.divisions;
        }
      }
    }
  }

  const Graph& graph_;
  Plan plan_{};
  short phase_[Graph::capacity]{};
  short last_ = 0;
  short store_sweep_[Graph::output_capacity]{};
  bool needed_[Graph::capacity]{};
  bool read_back_[Graph::capacity]{};
  bool used_[Graph::capacity]{};
};

OPTIFORM_NAMESPACE_END
