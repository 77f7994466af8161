// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include <optiform/environments/tabular/mdp.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// Walks on maps. An episode's end is an absorbing state that pays nothing, so that the tasks are
/// continuing ones; rewards are those of the sources, also where they are not in [0, 1].

namespace detail {

struct Direction {
  int row, column;
};
inline constexpr Direction up{-1, 0}, down{1, 0}, left{0, -1}, right{0, 1};

/// A map of characters, row by row; '#' is a wall.
struct GridMap {
  std::string_view cells;
  int height, width;

  int size() const { return height * width; }
  char at(int cell) const { return cells[static_cast<std::size_t>(cell)]; }
  /// The cell where a step ends; walls and the border stop it.
  int step(int cell, Direction to) const {
    const int row = cell / width + to.row, column = cell % width + to.column;
    if (row < 0 || row >= height || column < 0 || column >= width) return cell;
    const int next = row * width + column;
    return at(next) == '#' ? cell : next;
  }
};

inline constexpr GridMap small_lake{"SFFFFHFHFFFHHFFG", 4, 4};
inline constexpr GridMap large_lake{
    "SFFFFFFFFFFFFFFFFFFHFFFFFFFFFHFFFFFHFFFFFHHFFFHFFHFFHFHFFFFHFFFG", 8, 8};
inline constexpr GridMap rooms{
    "#############"
    "#     #     #"
    "#     #     #"
    "#           #"
    "#     #     #"
    "#     #     #"
    "## ####     #"
    "#     ### ###"
    "#     #     #"
    "#     #     #"
    "#           #"
    "#     #     #"
    "#############",
    13, 13};

}  // namespace detail

/// Cliff walking: from the bottom left of a 4 x 12 grid to the bottom right, along a cliff. Every
/// step costs 1; a step into the cliff costs 100 and leads back to the start.
///
/// Shapes    states: row * 12 + column; actions: up, right, down, left. The ten cells of the cliff
///           exist but are never reached.
/// Limits    V*(start) = -(1 - gamma^13) / (1 - gamma).
/// Source    Sutton, Barto, "Reinforcement learning", 2018, example 6.6; numbered as in Gymnasium's
///           CliffWalking. The source does not discount.
inline TabularMdp<> cliff_walk_mdp(double discount = 0.99) {
  constexpr detail::Direction directions[4] = {detail::up, detail::right, detail::down,
                                               detail::left};
  constexpr int width = 12, start = 36, goal = 47;
  const std::vector<char> blank(48, ' ');
  const detail::GridMap map{{blank.data(), blank.size()}, 4, width};
  MdpBuilder builder(map.size(), 4, discount, "cliff-walk");
  for (int s = 0; s < map.size(); ++s) {
    if (s == goal) continue;
    for (int a = 0; a < 4; ++a) {
      const int next = map.step(s, directions[a]);
      const bool falls = next > start && next < goal;
      builder.transition(s, a, falls ? start : next, 1);
      builder.reward(s, a, falls ? -100 : -1);
    }
  }
  builder.absorbing(goal);
  builder.start_in(start);
  return builder.build();
}

/// Frozen lake: from the top left to the bottom right over ice with holes. A step goes where it
/// should or to either side of that, with a third each; the goal pays 1.
///
/// Shapes    states: row * size + column; actions: left, down, right, up. Holes and the goal are
///           absorbing.
/// Units     the reward of a pair is the probability to reach the goal by it.
/// Limits    V*(start) = 0.5420 for size 4 at the default discount; undiscounted 0.8235 (14 / 17).
/// Errors    Error unless size is 4 or 8.
/// Source    the maps and numbers of Gymnasium's FrozenLake.
inline TabularMdp<> frozen_lake_mdp(int size = 4, double discount = 0.99) {
  if (size != 4 && size != 8) fail("size = ", size, ", expected 4 or 8");
  constexpr detail::Direction directions[4] = {detail::left, detail::down, detail::right,
                                               detail::up};
  const detail::GridMap& map = size == 4 ? detail::small_lake : detail::large_lake;
  MdpBuilder builder(map.size(), 4, discount, size == 4 ? "frozen-lake" : "frozen-lake:8");
  for (int s = 0; s < map.size(); ++s) {
    if (map.at(s) == 'H' || map.at(s) == 'G') {
      builder.absorbing(s);
      continue;
    }
    for (int a = 0; a < 4; ++a) {
      double reward = 0;
      for (int side = 3; side <= 5; ++side) {
        const int next = map.step(s, directions[(a + side) % 4]);
        builder.transition(s, a, next, 1.0 / 3);
        if (map.at(next) == 'G') reward += 1.0 / 3;
      }
      builder.reward(s, a, reward);
    }
  }
  builder.start_in(0);
  return builder.build();
}

/// Four rooms: 104 cells, joined by four doors. A step goes where it should with probability 2/3
/// and in each other direction with 1/9; walls stop it. Reaching the eastern door pays 1 and ends
/// the episode, which starts in any other cell.
///
/// Shapes    states: the free cells, row by row; actions: up, down, left, right. The door is state
///           62.
/// Units     the reward of a pair is the probability to reach the door by it.
/// Source    Sutton, Precup, Singh, "Between MDPs and semi-MDPs", Artificial Intelligence 112,
/// 1999,
///           figure 2: primitive actions, goal G1, discount 0.9.
inline TabularMdp<> four_rooms_mdp(double discount = 0.9) {
  constexpr detail::Direction directions[4] = {detail::up, detail::down, detail::left,
                                               detail::right};
  constexpr int goal = 62;
  const detail::GridMap& map = detail::rooms;
  std::vector<int> number(static_cast<std::size_t>(map.size()), -1);
  int states = 0;
  for (int cell = 0; cell < map.size(); ++cell)
    if (map.at(cell) != '#') number[static_cast<std::size_t>(cell)] = states++;
  MdpBuilder builder(states, 4, discount, "four-rooms");
  for (int cell = 0; cell < map.size(); ++cell) {
    const int s = number[static_cast<std::size_t>(cell)];
    if (s < 0 || s == goal) continue;
    for (int a = 0; a < 4; ++a) {
      double reward = 0;
      for (int way = 0; way < 4; ++way) {
        const double probability = way == a ? 2.0 / 3 : 1.0 / 9;
        const int next = number[static_cast<std::size_t>(map.step(cell, directions[way]))];
        builder.transition(s, a, next, probability);
        if (next == goal) reward += probability;
      }
      builder.reward(s, a, reward);
    }
  }
  builder.absorbing(goal);
  std::vector<double> start(static_cast<std::size_t>(states), 1.0 / (states - 1));
  start[goal] = 0;
  builder.start(std::move(start));
  return builder.build();
}

OPTIFORM_NAMESPACE_END
