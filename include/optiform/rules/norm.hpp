// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/rules/graph.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// What a driver puts where a rule said `normalise`.
enum class Norm : unsigned char {
  layer_norm,        ///< gain * (u - mean) / sqrt(variance + 1e-5)
  rms_norm,          ///< gain * u / sqrt(mean square + 1e-5)
  none,              ///< u
  biased_layer_norm  ///< layer_norm + bias
};

/// Learned vectors of a norm: its gain, then its bias.
constexpr short columns_of(Norm norm) {
  return norm == Norm::none ? short{0} : norm == Norm::biased_layer_norm ? short{2} : short{1};
}

inline constexpr double norm_epsilon = 1e-5;

/// Adds the norm of `u` to the graph; its learned vectors are `gain` and those that follow.
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
  const short scaled = graph.multiply(graph.column(gain), graph.standardise(u, mean, scale));
  if (norm == Norm::layer_norm) return scaled;
  return graph.add(scaled, graph.column(static_cast<short>(gain + 1)));
}

OPTIFORM_NAMESPACE_END
