// SPDX-License-Identifier: MIT
#pragma once

#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// States in a row, actions left (0) and right (1). Right in the last state stays there and pays 1;
/// everything else pays nothing. Episodes start in the first state.
///
/// Limits    V*(s) = gamma^(states - 1 - s) / (1 - gamma).
/// Errors    Error as MdpBuilder's.
inline TabularMdp<> chain_mdp(int states = 10, double discount = 0.9) {
  MdpBuilder builder(states, 2, discount, message("chain:", states));
  for (int s = 0; s < states; ++s) {
    builder.transition(s, 0, s == 0 ? 0 : s - 1, 1);
    builder.transition(s, 1, s == states - 1 ? s : s + 1, 1);
  }
  builder.reward(states - 1, 1, 1);
  builder.start_in(0);
  return builder.build();
}

/// Deep sea: a diver starts at the top left of a square and sinks one row per step, to the left
/// (action 0) or to the right (1). Each step to the right costs 0.01 / size; the step to the right
/// in the bottom right corner pays 1. Only one of 2^size ways leads there.
///
/// Shapes    states: cells by row, column <= row, since the others cannot be reached; then one
///           absorbing state for the end of an episode.
/// Limits    V*(start) = gamma^(size - 1) - 0.01 / size (1 - gamma^size) / (1 - gamma).
/// Errors    Error unless 1 <= size <= 1000.
/// Source    Osband et al., "Behaviour suite for reinforcement learning", ICLR 2020, without its
///           random meaning of the actions.
inline TabularMdp<> deep_sea_mdp(int size = 10, double discount = 0.99) {
  if (size < 1 || size > 1000) fail("size = ", size, ", expected 1 to 1000");
  const auto cell = [](int row, int column) { return row * (row + 1) / 2 + column; };
  const int end = cell(size, 0);
  MdpBuilder builder(end + 1, 2, discount, message("deep-sea:", size));
  for (int row = 0; row < size; ++row)
    for (int column = 0; column <= row; ++column) {
      const int from = cell(row, column);
      const bool bottom = row == size - 1;
      builder.transition(from, 0, bottom ? end : cell(row + 1, column == 0 ? 0 : column - 1), 1);
      builder.transition(from, 1, bottom ? end : cell(row + 1, column + 1), 1);
      builder.reward(from, 1, (bottom && column == row ? 1.0 : 0.0) - 0.01 / size);
    }
  builder.absorbing(end);
  builder.start_in(0);
  return builder.build();
}

OPTIFORM_NAMESPACE_END
