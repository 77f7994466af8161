// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <optiform/core/random.hpp>
#include <optiform/rules/program.hpp>

namespace optiform::testing {

/// A boundary between two blocks of one rule: its step, its query and a LayerNorm, as the networks
/// have it.
///
/// Buffers   in: x, streams, g. out: x', streams', y.
template <class R>
struct Meeting {
  static constexpr Graph build() {
    const Recording& r = recording<R>;
    const auto streams = r.streams, oracle = static_cast<short>(streams + 1);
    Graph graph;
    Splice step(graph, r, {.norm = Norm::layer_norm, .unit_rate = true});
    for (short i = 0; i <= oracle; ++i) step.bind(i, graph.input(i));
    Splice ask(graph, r, {.unit_rate = true, .coefficient = r.coefficients});
    for (short s = 0; s <= streams; ++s) {
      const short after = step.copy(r.now[s]);
      graph.emit(Sink::store, s, after);
      ask.bind(s, after);
    }
    graph.emit(Sink::store, oracle,
               normalised(graph, Norm::layer_norm, ask.copy(r.query), r.norms));
    graph.inputs = graph.stores = static_cast<short>(oracle + 1);
    graph.columns = static_cast<short>(r.norms + 1);
    graph.coefficients = static_cast<short>(2 * r.coefficients);
    return graph;
  }
  /// The adjoints of the state overwrite those of the next state.
  static constexpr InPlace in_place = [] {
    InPlace p;
    const short streams = recording<R>.streams;
    for (short i = 0; i <= streams; ++i) p.of[i] = i;
    return p;
  }();
};

/// A rule as it trains weights: no norm, a clock, everything overwritten in place.
template <class R>
struct Training {
  static constexpr Graph build() {
    const Recording& r = recording<R>;
    const auto oracle = static_cast<short>(r.streams + 1);
    Graph graph;
    Splice step(graph, r, {.clock = true});
    for (short i = 0; i <= oracle; ++i) step.bind(i, graph.input(i));
    for (short s = 0; s < oracle; ++s) graph.emit(Sink::store, s, step.copy(r.now[s]), s);
    graph.inputs = static_cast<short>(oracle + 1);
    graph.stores = oracle;
    graph.coefficients = r.coefficients;
    return graph;
  }
};

/// Random buffers for one run of a program. Inputs are positive where a root may be taken.
template <class P, class T>
struct Run {
  Index rows, length;
  std::vector<std::vector<T>> input, output, column, column_gradient;
  std::vector<T> statistic;
  std::vector<double> coefficient_gradient;
  std::vector<double> coefficient;
  double clock = 3;

  Run(Index row_count, Index row_length, std::uint64_t seed) : rows(row_count), length(row_length) {
    Rng rng(seed);
    const auto draw = [&](Index n, double low, double high) {
      std::vector<T> values(static_cast<std::size_t>(n));
      for (T& v : values) v = static_cast<T>(rng.uniform(low, high));
      return values;
    };
    const Graph& graph = P::graph;
    for (short i = 0; i < graph.inputs; ++i) input.push_back(draw(rows * length, 0.25, 2));
    for (short i = 0; i < graph.stores; ++i) output.push_back(draw(rows * length, -9, 9));
    for (short i = 0; i < graph.columns; ++i) column.push_back(draw(length, 0.5, 1.5));
    for (short i = 0; i < graph.columns; ++i) column_gradient.push_back(draw(length, -1, 1));
    for (short i = 0; i < graph.coefficients; ++i) {
      coefficient.push_back(rng.uniform(0.2, 0.8));
      coefficient_gradient.push_back(rng.uniform(-1, 1));
    }
    statistic = draw(rows * graph.statistics, -9, 9);
  }

  RowArguments<T> arguments() {
    RowArguments<T> a;
    a.rows = rows;
    a.length = length;
    a.clock = clock;
    for (std::size_t i = 0; i < input.size(); ++i) a.input[i] = input[i].data();
    for (std::size_t i = 0; i < output.size(); ++i) a.output[i] = output[i].data();
    for (std::size_t i = 0; i < column.size(); ++i) {
      a.column[i] = column[i].data();
      a.column_gradient[i] = column_gradient[i].data();
    }
    for (std::size_t i = 0; i < coefficient.size(); ++i) a.coefficient[i] = coefficient[i];
    a.statistic = statistic.data();
    a.coefficient_gradient = coefficient_gradient.data();
    return a;
  }
};

/// Largest difference, relative to the largest element of the second where that is not tiny.
template <class T>
double difference(const std::vector<T>& a, const std::vector<T>& b) {
  double worst = 0, scale = 1e-3;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    const double size = static_cast<double>(b[i]);
    worst = apart == apart ? (apart > worst ? apart : -apart > worst ? -apart : worst) : 1e300;
    scale = size > scale ? size : -size > scale ? -size : scale;
  }
  return worst / scale;
}

/// The same over everything that a run has written. Scalar gradients cancel: they are compared on
/// the scale of all of them and of the rows they are summed over.
template <class P, class T>
double difference(const Run<P, T>& a, const Run<P, T>& b) {
  double worst = difference(a.statistic, b.statistic);
  const auto take = [&](double other) { worst = other > worst ? other : worst; };
  for (std::size_t i = 0; i < a.output.size(); ++i) take(difference(a.output[i], b.output[i]));
  for (std::size_t i = 0; i < a.column.size(); ++i)
    take(difference(a.column_gradient[i], b.column_gradient[i]));
  if (!a.coefficient_gradient.empty()) {
    auto x = a.coefficient_gradient, y = b.coefficient_gradient;
    x.push_back(static_cast<double>(a.rows * a.length));
    y.push_back(x.back());
    take(difference(x, y));
  }
  return worst;
}

}  // namespace optiform::testing
