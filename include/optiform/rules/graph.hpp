// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include <optiform/rules/operation.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// How often a value changes: once per launch (a coefficient), once per row (a mean), or with
/// every element of the row. Operators take the finest frequency of their operands.
enum class Frequency : unsigned char { launch, row, element };

/// The operations of a row program. Everything a rule can say is one of these.
enum class Op : unsigned char {
  input,              ///< element: buffer `index`
  column,             ///< element: gain vector `index`, the same for every row
  statistic,          ///< row: sum `index` saved by the forward pass
  coefficient,        ///< launch: run-time number `index`
  constant,           ///< launch: `value`
  length,             ///< launch: elements per row
  reciprocal_length,  ///< launch: 1 / elements per row
  bias_correction,    ///< launch: 1 - a^clock
  add,
  subtract,
  multiply,
  divide,
  negate,
  square,
  root,         ///< square root
  sign,         ///< -1, 0 or 1
  sum,          ///< element to row
  standardise,  ///< (a - b) c with b, c the row's own mean and reciprocal deviation
  normalise,    ///< as recorded; a driver replaces it (see Norm)
  debias,       ///< as recorded: a corrected for starting at zero with decay b; replaced likewise
  broadcast,    ///< element: the number a, for every element
  operation,    ///< a row operation on a and b
  adjoints,     ///< the adjoints of a row operation's operands a and b from its result's, c
  part          ///< number `index` of the adjoints a
};
inline constexpr int op_count = static_cast<int>(Op::part) + 1;

struct Node {
  Op op = Op::constant;
  Frequency frequency = Frequency::launch;
  short a = -1, b = -1, c = -1;  ///< operands
  short index = 0;               ///< buffer, coefficient or statistic number
  double value = 0;              ///< of a constant
  Unit unit = Unit::row;         ///< what the value is part of; means nothing at launch frequency
  const OperationInfo* operation = nullptr;  ///< which one; see operation_tag
};

constexpr bool is_leaf(Op op) { return op <= Op::reciprocal_length; }

/// What becomes of a value.
enum class Sink : unsigned char {
  store,                 ///< written to output buffer `index`
  statistic,             ///< saved per row for the backward pass
  coefficient_gradient,  ///< added up over rows
  column_gradient        ///< added up over rows, element by element
};

struct Output {
  Sink sink = Sink::store;
  short index = 0;
  short node = -1;
  short in_place_of = -1;  ///< input whose memory this store may overwrite
  Unit unit = Unit::row;   ///< of the buffer, or of the values that are summed
};

/// A row program as a value: nodes in evaluation order and what becomes of them.
///
/// Building it shares equal subexpressions, folds constants, and moves factors that are constant
/// over the row to the left, so that they are multiplied once per row and leave sums.
///
/// Contract  a literal type: lives in constant expressions. Too many nodes set `overflow`; after
///           that every node is the first one, so that what is built on it comes to an end.
struct Graph {
  static constexpr int capacity = 256;
  static constexpr int output_capacity = 48;

  Node node[capacity]{};
  Output output[output_capacity]{};
  short nodes = 0;
  short outputs = 0;
  short inputs = 0;        ///< input buffers
  short stores = 0;        ///< output buffers
  short columns = 0;       ///< gain vectors
  short coefficients = 0;  ///< run-time numbers
  short statistics = 0;    ///< numbers saved per row
  bool overflow = false;

  // ---- leaves
  constexpr short input(short index, Unit unit = Unit::row) {
    Node n{Op::input, Frequency::element};
    n.index = index;
    n.unit = unit;
    return intern(n);
  }
  constexpr short column(short index) { return leaf(Op::column, Frequency::element, index); }
  constexpr short statistic(short index) { return leaf(Op::statistic, Frequency::row, index); }
  constexpr short coefficient(short index) {
    return leaf(Op::coefficient, Frequency::launch, index);
  }
  constexpr short length() { return leaf(Op::length, Frequency::launch, 0); }
  constexpr short reciprocal_length() { return leaf(Op::reciprocal_length, Frequency::launch, 0); }
  constexpr short constant(double value) {
    Node n{Op::constant, Frequency::launch};
    n.value = value;
    return intern(n);
  }

  // ---- arithmetic
  constexpr short add(short a, short b) {
    if (overflow) return 0;
    if (is_constant(a) && is_constant(b)) return constant(value(a) + value(b));
    if (is_constant(a, 0)) return b;
    if (is_constant(b, 0)) return a;
    if (node[b].op == Op::negate) return subtract(a, node[b].a);
    if (node[a].op == Op::negate) return subtract(b, node[a].a);
    return a < b ? make(Op::add, a, b) : make(Op::add, b, a);
  }
  constexpr short subtract(short a, short b) {
    if (overflow) return 0;
    if (is_constant(a) && is_constant(b)) return constant(value(a) - value(b));
    if (is_constant(b, 0)) return a;
    if (is_constant(a, 0)) return negate(b);
    if (node[b].op == Op::negate) return add(a, node[b].a);
    return make(Op::subtract, a, b);
  }
  constexpr short negate(short a) {
    if (overflow) return 0;
    if (is_constant(a)) return constant(-value(a));
    if (node[a].op == Op::negate) return node[a].a;
    if (node[a].op == Op::subtract) return subtract(node[a].b, node[a].a);
    // Only a literal factor takes the sign: signs of other products stay in front.
    if (is_scaled(a) && is_constant(node[a].a)) return multiply(negate(node[a].a), node[a].b);
    return make(Op::negate, a);
  }
  constexpr short multiply(short a, short b) {
    if (overflow) return 0;
    if (is_constant(a) && is_constant(b)) return constant(value(a) * value(b));
    if (is_constant(a, 1)) return b;
    if (is_constant(b, 1)) return a;
    if (is_constant(a, 0)) return a;
    if (is_constant(b, 0)) return b;
    if (is_constant(a, -1)) return negate(b);
    if (is_constant(b, -1)) return negate(a);
    if (a == b) return square(a);
    if (node[a].op == Op::negate) return negate(multiply(node[a].a, b));
    if (node[b].op == Op::negate) return negate(multiply(a, node[b].a));
    // The coarser factor goes left; coarse factors of coarse factors are gathered there.
    if (node[a].frequency > node[b].frequency) return multiply(b, a);
    if (node[a].frequency < node[b].frequency) {
      if (is_scaled(b)) return multiply(multiply(a, node[b].a), node[b].b);
      return make(Op::multiply, a, b);
    }
    if (is_scaled(a)) return multiply(node[a].a, multiply(node[a].b, b));
    if (is_scaled(b)) return multiply(node[b].a, multiply(a, node[b].b));
    return a < b ? make(Op::multiply, a, b) : make(Op::multiply, b, a);
  }
  constexpr short divide(short a, short b) {
    if (overflow) return 0;
    if (is_constant(a) && is_constant(b) && value(b) != 0) return constant(value(a) / value(b));
    if (is_constant(b, 1)) return a;
    if (is_constant(a, 0)) return a;
    // One division per row instead of one per element.
    if (node[b].frequency < node[a].frequency) return multiply(make(Op::divide, constant(1), b), a);
    return make(Op::divide, a, b);
  }
  constexpr short square(short a) {
    if (overflow) return 0;
    if (is_constant(a)) return constant(value(a) * value(a));
    if (node[a].op == Op::negate) return square(node[a].a);
    return make(Op::square, a);
  }
  constexpr short root(short a) { return make(Op::root, a); }
  constexpr short sign(short a) {
    if (is_constant(a)) return constant(value(a) > 0 ? 1 : value(a) < 0 ? -1 : 0);
    return make(Op::sign, a);
  }
  constexpr short bias_correction(short a) { return make(Op::bias_correction, a); }

  // ---- row operations
  /// Sum over the row's elements.
  constexpr short sum(short a) {
    if (overflow) return 0;
    if (node[a].frequency != Frequency::element) return multiply(length(), a);
    if (is_scaled(a)) return multiply(node[a].a, sum(node[a].b));
    if (node[a].op == Op::negate) return negate(sum(node[a].a));
    Node n{Op::sum, Frequency::row, a};
    n.unit = node[a].unit;
    return intern(n);
  }
  constexpr short mean(short a) { return multiply(reciprocal_length(), sum(a)); }
  constexpr short standardise(short a, short mean, short reciprocal_deviation) {
    Node n{Op::standardise, Frequency::element, a, mean, reciprocal_deviation};
    return intern(n);
  }
  constexpr short normalise(short a, short index) {
    Node n{Op::normalise, Frequency::element, a};
    n.index = index;
    return intern(n);
  }
  constexpr short debias(short a, short decay) { return make(Op::debias, a, decay); }

  /// A value as elements: what folded into a number is one for each of them.
  constexpr short broadcast(short a, Unit unit) {
    if (node[a].frequency == Frequency::element) return a;
    Node n{Op::broadcast, Frequency::element, a};
    n.unit = unit;
    return intern(n);
  }
  /// The result of an operation on one or two values.
  constexpr short operate(const OperationInfo* operation, short a, short b = -1) {
    a = broadcast(a, operation->operand[0]);
    if (b >= 0) b = broadcast(b, operation->operand[1]);
    Node n{Op::operation, Frequency::element, a, b};
    n.unit = operation->result;
    n.operation = operation;
    return intern(n);
  }
  /// The adjoints of an operation's operands a and b, from that of its result.
  constexpr short adjoints(const OperationInfo* operation, short a, short b, short result) {
    result = broadcast(result, operation->result);
    Node n{Op::adjoints, Frequency::element, a, b, result};
    n.unit = operation->result;
    n.operation = operation;
    return intern(n);
  }
  constexpr short part(short adjoints, short index) {
    Node n{Op::part, Frequency::element, adjoints};
    n.index = index;
    n.unit = node[adjoints].operation->operand[index];
    return intern(n);
  }

  constexpr void emit(Sink sink, short index, short from, short in_place_of = -1) {
    emit(sink, index, from, in_place_of, node[from].unit);
  }
  constexpr void emit(Sink sink, short index, short from, short in_place_of, Unit unit) {
    if (outputs == output_capacity) {
      overflow = true;
      return;
    }
    output[outputs++] = Output{sink, index, from, in_place_of, unit};
  }

  // ---- questions
  constexpr bool is_constant(short id) const { return node[id].op == Op::constant; }
  constexpr bool is_constant(short id, double v) const { return is_constant(id) && value(id) == v; }
  constexpr double value(short id) const { return node[id].value; }
  /// Whether it is more than elementwise arithmetic and sums on rows; see Stages.
  constexpr bool is_staged() const {
    for (short i = 0; i < nodes; ++i)
      if (node[i].operation != nullptr || node[i].unit != Unit::row) return true;
    for (short o = 0; o < outputs; ++o)
      if (output[o].unit != Unit::row) return true;
    return false;
  }
  /// Marks what marked nodes are made of; an operation that is `opaque` is not looked into.
  constexpr void mark_operands(bool (&marked)[capacity], bool (*opaque)(Op) = nullptr) const {
    for (short i = static_cast<short>(nodes - 1); i >= 0; --i) {
      const Node& n = node[i];
      if (!marked[i] || (opaque != nullptr && opaque(n.op))) continue;
      for (const short operand : {n.a, n.b, n.c})
        if (operand >= 0) marked[operand] = true;
    }
  }
  /// A product whose left factor is coarser than its right one.
  constexpr bool is_scaled(short id) const {
    return node[id].op == Op::multiply && node[node[id].a].frequency < node[node[id].b].frequency;
  }

 private:
  constexpr short leaf(Op op, Frequency frequency, short index) {
    Node n{op, frequency};
    n.index = index;
    return intern(n);
  }
  constexpr short make(Op op, short a, short b = -1) {
    const short finer = b >= 0 && node[b].frequency > node[a].frequency ? b : a;
    Node n{op, node[finer].frequency, a, b};
    n.unit = node[finer].unit;
    return intern(n);
  }
  /// Returns the node equal to n, appending it if it is new.
  constexpr short intern(const Node& n) {
    short& chain = first_[static_cast<int>(n.op)];
    for (short i = chain; i >= 0; i = next_[i]) {
      const Node& m = node[i];
      if (m.a == n.a && m.b == n.b && m.c == n.c && m.index == n.index && m.value == n.value &&
          m.unit == n.unit && m.operation == n.operation)
        return i;
    }
    if (nodes == capacity) overflow = true;
    if (overflow) return 0;
    node[nodes] = n;
    next_[nodes] = chain;
    chain = nodes;
    return nodes++;
  }

  struct Chains {
    short head[op_count];
    constexpr Chains() : head() {
      for (short& h : head) h = -1;
    }
    constexpr short& operator[](int op) { return head[op]; }
  };
  Chains first_{};
  short next_[capacity]{};
};

OPTIFORM_NAMESPACE_END
