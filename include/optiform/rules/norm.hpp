// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/graph.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a driver puts where a rule said `normalise`.
enum class Norm : unsigned char {
  layer_norm,  ///< gain * (u - mean) / sqrt(variance + 1e-5)
  rms_norm,    ///< gain * u / sqrt(mean square + 1e-5)
  none         ///< u
};

inline constexpr double norm_epsilon = 1e-5;

/// Adds the norm of `u` with gain vector `gain` to the graph.
///
/// The two sums of LayerNorm are taken one after the other (mean first), so that nothing cancels.
/// Source    Ba, Kiros, Hinton, "Layer normalization", 2016; Zhang and Sennrich, "Root mean square
///           layer normalization", NeurIPS 2019.
constexpr short normalised(Graph& graph, Norm norm, short u, short gain) {
  if (norm == Norm::none) return u;
  const short epsilon = graph.constant(norm_epsilon);
  const short one = graph.constant(1);
  if (norm == Norm::rms_norm) {
    const short mean_square = graph.mean(graph.square(u));
    const short scale = graph.divide(one, graph.root(graph.add(mean_square, epsilon)));
    return graph.multiply(graph.column(gain), graph.multiply(scale, u));
  }
  const short mean = graph.mean(u);
  const short variance = graph.mean(graph.square(graph.subtract(u, mean)));
  const short scale = graph.divide(one, graph.root(graph.add(variance, epsilon)));
  return graph.multiply(graph.column(gain), graph.standardise(u, mean, scale));
}

OPTIFORM_NAMESPACE_END
