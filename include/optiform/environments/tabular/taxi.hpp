// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <optiform/environments/tabular/grid_worlds.hpp>

OPTIFORM_NAMESPACE_BEGIN

/// The taxi: fetch a passenger at one of four places and deliver it to another. Each step costs 1;
/// delivery pays 20 and ends the episode; a pick-up or drop-off where none is possible costs 10.
/// Setting the passenger down at a wrong place is an ordinary step.
///
/// Shapes    states: ((row * 5 + column) * 5 + passenger) * 4 + destination, 500 of them; places 0
///           to 3 are red (0, 0), green (0, 4), yellow (4, 0), blue (4, 3), passenger 4 is aboard.
///           actions: south, north, east, west, pick up, drop off.
/// Contract  an episode's end is an absorbing state that pays nothing: all 100 states whose
///           passenger is at its destination, of which 4 can be reached. Episodes start in any of
///           the 300 states with the passenger waiting at another place than its destination.
/// Limits    the best policy's mean undiscounted return is 7.93.
/// Source    Dietterich, "Hierarchical reinforcement learning with the MAXQ value function
///           decomposition", JAIR 13, 2000; numbered and paid as in Gymnasium's Taxi. The sources
///           do not discount.
inline TabularMdp<> taxi_mdp(double discount = 0.99) {
  constexpr int place[4] = {0, 4, 20, 23};  // row * 5 + column
  constexpr int aboard = 4;
  // Right of these cells is a wall.
  constexpr bool wall[25] = {false, true,  false, false, false,  //
                             false, true,  false, false, false,  //
                             false, false, false, false, false,  //
                             true,  false, true,  false, false,  //
                             true,  false, true,  false, false};
  const auto state = [](int cell, int passenger, int destination) {
    return (cell * 5 + passenger) * 4 + destination;
  };
  MdpBuilder builder(500, 6, discount, "taxi");
  std::vector<double> start(500, 0);
  for (int cell = 0; cell < 25; ++cell)
    for (int passenger = 0; passenger < 5; ++passenger)
      for (int destination = 0; destination < 4; ++destination) {
        const int from = state(cell, passenger, destination);
        if (passenger == destination) {
          builder.absorbing(from);
          continue;
        }
        if (passenger != aboard) start[static_cast<std::size_t>(from)] = 1.0 / 300;
        const int row = cell / 5, column = cell % 5;
        const bool west_wall = column == 0 || wall[cell - 1];
        const bool east_wall = column == 4 || wall[cell];
        const int moved[4] = {row == 4 ? cell : cell + 5, row == 0 ? cell : cell - 5,
                              east_wall ? cell : cell + 1, west_wall ? cell : cell - 1};
        for (int a = 0; a < 4; ++a) {
          builder.transition(from, a, state(moved[a], passenger, destination), 1);
          builder.reward(from, a, -1);
        }
        const bool can_pick = passenger != aboard && cell == place[passenger];
        builder.transition(from, 4, can_pick ? state(cell, aboard, destination) : from, 1);
        builder.reward(from, 4, can_pick ? -1 : -10);
        int here = aboard;
        for (int p = 0; p < 4; ++p)
          if (cell == place[p]) here = p;
        const bool can_drop = passenger == aboard && here != aboard;
        builder.transition(from, 5, can_drop ? state(cell, here, destination) : from, 1);
        builder.reward(from, 5, !can_drop ? -10 : here == destination ? 20 : -1);
      }
  builder.start(std::move(start));
  return builder.build();
}

OPTIFORM_NAMESPACE_END
