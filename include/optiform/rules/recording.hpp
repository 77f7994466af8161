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
    r.now[0] = r.graph.input(0);
    {
      const Row at = rule.query();
      r.query = at.id();
    }
    const short oracle = static_cast<short>(r.streams + 1);
    const Row g(&r, r.graph.input(oracle));
    rule.step(g);
    const Row seen = rule.read_out();
    r.read_out = seen.id();
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
    r.now[0] = r.graph.input(0);
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
  static constexpr bool reaches(const Recording& r, short from, short leaf) {
    bool marked[Graph::capacity]{};
    marked[from] = true;
    r.graph.mark_operands(marked);
    return marked[leaf];
  }
  static constexpr void inspect(Recording& r, short oracle) {
    if (r.graph.overflow || r.norms > 4) r.blame(Fault::too_large);
    bool asked = false;
    short g = -1;
    for (short i = 0; i < r.graph.nodes; ++i)
      if (r.graph.node[i].op == Op::input && r.graph.node[i].index == oracle) g = i;
    for (short s = 0; s <= r.streams; ++s)
      if (reaches(r, r.now[s], g)) asked = true;
    if (!asked) r.blame(Fault::oracle_ignored);
    for (short s = 1; s <= r.streams; ++s) {
      const Node& n = r.graph.node[r.now[s]];
      if (n.op == Op::input && n.index == s) r.blame(Fault::stream_never_written, s);
    }
  }
};

// clang-format off
template <class R> concept rule_derives_from_rule = std::derived_from<R, Rule>;
template <class R> concept rule_has_query = requires(const R& r) { { r.query() } -> std::same_as<Row>; };
template <class R> concept rule_has_step = requires(R& r, Row g) { r.step(g); };
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
