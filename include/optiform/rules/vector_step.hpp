// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/transform.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a driver that trains vectors makes of a rule's step.
struct VectorStep {
  bool scaled = false;     ///< the oracle's output is the gradient times one more coefficient
  bool clears = false;     ///< the gradient, just read, is overwritten by zeros
  bool increment = false;  ///< the iterate counts as zero: output 0 is what the rule would add
};

/// Where the buffers and coefficients of a vector program are.
///
/// Buffers   inputs: iterate, streams, gradient. Outputs: iterate and streams, in place; the next
///           query, where it is not the iterate; the cleared gradient.
///           Coefficients: the step's; the next query's, where there is one; the gradient's factor.
template <class R>
struct VectorLayout {
  static constexpr bool away = !asks_at_iterate<R>();  ///< the oracle is not asked at the iterate
  static constexpr short gradient = recording<R>.streams + 1, query = gradient;
  static constexpr short cleared = gradient + (away ? 1 : 0);
  static constexpr short factor = static_cast<short>(recording<R>.coefficients * (away ? 2 : 1));
};

namespace detail {

constexpr Reading reading_of_vectors(short coefficient = 0) {
  return {.norm = Norm::none, .clock = true, .coefficient = coefficient};
}

}  // namespace detail

/// The step of a rule and the next query as one elementwise program on vectors of parameters:
/// `normalise` is the identity, `debias` has a clock.
template <class R>
constexpr Graph vector_step(VectorStep what = {}) {
  using Layout = VectorLayout<R>;
  constexpr const Recording& rule = recording<R>;
  constexpr short oracle = Layout::gradient;
  Graph g;
  Splice step(g, rule, detail::reading_of_vectors());
  step.bind_inputs(oracle);
  if (what.increment) step.bind(0, g.constant(0));
  step.bind(oracle, what.scaled ? g.multiply(g.coefficient(Layout::factor), g.input(oracle))
                                : g.input(oracle));
  short next[Recording::max_streams + 1]{};
  for (short i = 0; i < oracle; ++i) {
    next[i] = step.copy(rule.now[i]);
    g.emit(Sink::store, i, next[i], what.increment && i == 0 ? short{-1} : i);
  }
  if (Layout::away) {
    Splice query(g, rule, detail::reading_of_vectors(rule.coefficients));
    for (short i = 0; i < oracle; ++i) query.bind(i, next[i]);
    g.emit(Sink::store, Layout::query, query.copy(rule.query));
  }
  if (what.clears) g.emit(Sink::store, Layout::cleared, g.constant(0), oracle);
  g.inputs = static_cast<short>(oracle + 1);
  g.stores = static_cast<short>(Layout::cleared + (what.clears ? 1 : 0));
  g.coefficients = static_cast<short>(Layout::factor + (what.scaled ? 1 : 0));
  return g;
}

namespace detail {

constexpr Graph vector_view(const Recording& rule, short node, short first_coefficient) {
  Graph g;
  Splice view(g, rule, reading_of_vectors(first_coefficient));
  view.bind_inputs(static_cast<short>(rule.streams + 1));
  g.emit(Sink::store, 0, view.copy(node));
  g.inputs = static_cast<short>(rule.streams + 1);
  g.stores = 1;
  g.coefficients = static_cast<short>(2 * rule.coefficients);
  return g;
}

}  // namespace detail

/// The query of iterate and streams as they are, by the coefficients of the next query. Output 0.
template <class R>
constexpr Graph vector_query() {
  constexpr const Recording& rule = recording<R>;
  return detail::vector_view(rule, rule.query, rule.coefficients);
}

/// What iterate and streams read out, by the coefficients of the step. Output 0.
template <class R>
constexpr Graph vector_read_out() {
  Recording shown = Recorder::record_view<R>();
  shown.coefficients = recording<R>.coefficients;
  return detail::vector_view(shown, shown.read_out, 0);
}

/// Whether a rule corrects its streams by the driver's clock.
template <class R>
constexpr bool debiases() {
  constexpr const Recording& rule = recording<R>;
  for (short i = 0; i < rule.graph.nodes; ++i)
    if (rule.graph.node[i].op == Op::debias) return true;
  return false;
}

/// Whether a rule whose streams are zero asks its oracle at the iterate.
template <class R>
constexpr bool starts_at_iterate() {
  constexpr const Recording& rule = recording<R>;
  Graph g;
  Splice splice(g, rule, Reading{});
  splice.bind(0, g.input(0));
  for (short i = 1; i <= rule.streams; ++i) splice.bind(i, g.constant(0));
  return splice.copy(rule.query) == g.input(0);
}

OPTIFORM_NAMESPACE_END
