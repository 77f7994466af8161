// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include <optiform/core/require.hpp>
#include <optiform/rules/rule.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Evaluates a rule on symbols.
struct Recorder {
  template <class R>
  static constexpr Recording record() {
    R rule;
    Recording& r = rule.recording_;
    for (short s = 0; s <= r.streams; ++s)
      if (!is_input(r, r.now[s], s)) r.blame(Fault::assigned_in_constructor, s);
    {
      const Row at = rule.query();
      r.query = at.in(r);
    }
    const short oracle = static_cast<short>(r.streams + 1);
    const Row g(&r, r.graph.input(oracle));
    rule.step(g);
    const Row seen = rule.read_out();
    r.read_out = seen.in(r);
    r.graph.inputs = static_cast<short>(oracle + 1);
    r.graph.coefficients = r.coefficients;
    r.graph.columns = r.norms;
    name_norms(r);
    inspect(r, oracle);
    return r;
  }

  /// What a rule shows at the end, of iterate and streams as they are: no step is recorded.
  template <class R>
  static constexpr Recording record_view() {
    R rule;
    Recording& r = rule.recording_;
    const Row seen = rule.read_out();
    r.read_out = seen.id();
    return r;
  }

  template <class R>
  static constexpr bool records() {
    return record<R>().graph.nodes > 0;
  }

 private:
  static constexpr void name_norms(Recording& r) {
    for (short i = 0; i < r.graph.nodes; ++i) {
      const Node& n = r.graph.node[i];
      if (n.op != Op::normalise || n.index >= 4) continue;
      r.norm_name[n.index] = "ln_update";
      for (short s = 0; s < r.streams; ++s)
        if (r.now[s + 1] == i && r.stream[s].names.norm != nullptr)
          r.norm_name[n.index] = r.stream[s].names.norm;
    }
  }
  static constexpr bool is_input(const Recording& r, short id, short index) {
    return r.graph.node[id].op == Op::input && r.graph.node[id].index == index;
  }
  /// Whether a value is made of an operation of that kind, of input `index` if it is one.
  static constexpr bool reaches(const Recording& r, short from, Op op, short index = 0) {
    bool marked[Graph::capacity]{};
    marked[from] = true;
    r.graph.mark_operands(marked);
    for (short i = 0; i < r.graph.nodes; ++i)
      if (marked[i] && r.graph.node[i].op == op &&
          (op != Op::input || r.graph.node[i].index == index))
        return true;
    return false;
  }
  static constexpr void inspect(Recording& r, short oracle) {
    if (r.graph.overflow || r.norms > 4) r.blame(Fault::too_large);
    bool asked = false;
    for (short s = 0; s <= r.streams; ++s)
      if (reaches(r, r.now[s], Op::input, oracle)) asked = true;
    if (!asked) r.blame(Fault::oracle_ignored);
    for (short s = 1; s <= r.streams; ++s)
      if (is_input(r, r.now[s], s)) r.blame(Fault::stream_never_written, s);
    if (is_input(r, r.now[0], 0) && is_input(r, r.read_out, 0))
      r.blame(Fault::iterate_never_written);
    if (reaches(r, r.query, Op::normalise)) r.blame(Fault::norm_in_query);
  }
};

// clang-format off
template <class R> concept rule_derives_from_rule = std::derived_from<R, Rule>;
template <class R> concept rule_has_query = requires(const R& r) { { r.query() } -> std::same_as<Row>; };
template <class R> concept rule_has_step = requires(R& r, const Row g) { r.step(g); };
template <class R> concept rule_reads_out = requires(const R& r) { { r.read_out() } -> std::same_as<Row>; };
template <class R> concept rule_is_constexpr = requires { typename std::bool_constant<Recorder::records<R>()>; };

/// A first-order optimizer: where to ask the oracle, and what to do with its answer.
///
/// Requirements
///   derives from Rule
///   constexpr Row  query() const    the point at which the oracle is asked
///   constexpr void step(Row g)      assigns to x and to every stream, reads g
/// See  docs/write_your_own_rule.md
template <class R>
concept UpdateRule =
    (rule_derives_from_rule<R> || unmet<"an update rule derives from optiform::Rule">())                  //
    && (rule_has_query<R> || unmet<"add: constexpr Row query() const { return x; }">())                    //
    && (rule_has_step<R> || unmet<"add: constexpr void step(Row g) { ... }">())                            //
    && (rule_reads_out<R> || unmet<"write: constexpr Row read_out() const { ... }">())                     //
    && (rule_is_constexpr<R> || unmet<"mark query, step and the constructor of the rule constexpr">());    //
// clang-format on

/// The recording of a rule, checked.
template <class R>
  requires UpdateRule<R>
struct Recorded {
  static constexpr Recording value = Recorder::record<R>();

  static_assert(
      value.fault != Fault::coefficient_assigned,
      "optiform: the step assigns to a coefficient; coefficients are read-only, keep what "
      "changes in a stream [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::scalar_as_row,
                "optiform: the rule uses a scalar where a row is meant; normalise, debias and "
                "assignments to x or a stream take rows [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::square_as_row,
                "optiform: the rule mixes a covariance with a row; a Square takes +, - and scalar "
                "factors, and meets rows in operations such as precondition(row, square) "
                "[docs/write_your_own_rule.md]");
  static_assert(
      value.fault != Fault::scalar_as_square,
      "optiform: the rule uses a scalar where a covariance is meant; a scalar only scales "
      "a Square: inverse roots damp its diagonal themselves, another shift of it is a row "
      "operation of your own [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::other_operands,
                "optiform: apply - the operation takes other operands; give it what it declares as "
                "static constexpr Unit operand[], a Row for Unit::row, a Square for Unit::square: "
                "gram(row), orthogonalise(row), precondition(row, square) "
                "[docs/write_your_own_rule.md]");
  static_assert(
      value.fault != Fault::wrong_start,
      "optiform: a stream starts where it cannot; choose Init::learned, zeros or ones for "
      "a stream, Init::identity or zeros for a covariance "
      "[docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::stream_never_written,
                "optiform: the rule declares a stream that its step never writes; assign to it in "
                "step or remove it [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::iterate_never_written,
                "optiform: the step never writes x, the iterate, and the rule reads out nothing "
                "else; assign to x in step [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::assigned_in_constructor,
                "optiform: the constructor of the rule assigns to x or to a stream; how a stream "
                "starts is what its Init says, and step assigns [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::pinned_no_coefficient,
                "optiform: the rule pins what is no coefficient; pin what unit, positive, constant "
                "or rate returned [docs/write_your_own_rule.md]");
  static_assert(
      value.fault != Fault::norm_in_query,
      "optiform: the query of the rule normalises; oracles normalise what they are asked, "
      "and a norm of the rule's own belongs in step: keep what it returns in a stream "
      "[docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::name_taken,
                "optiform: two streams or two coefficients of the rule have one name, or a stream "
                "is called iterate or average, as vectors of the drivers are; choose another name "
                "[docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::other_rules_value,
                "optiform: the rule uses a value of another rule that it holds; derive from that "
                "rule instead [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::oracle_ignored,
                "optiform: the step never reads g, the oracle's output; use it in what is assigned "
                "to x or to a stream [docs/write_your_own_rule.md]");
  static_assert(value.fault != Fault::too_large,
                "optiform: the rule is too large to record; at most 6 streams, 16 coefficients, 4 "
                "norms and 256 operations fit [docs/write_your_own_rule.md]");
};

template <class R>
inline constexpr const Recording& recording = Recorded<R>::value;

OPTIFORM_NAMESPACE_END
