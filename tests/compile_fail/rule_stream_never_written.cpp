// SPDX-License-Identifier: MIT
// expect: a stream that its step never writes; assign to it in step or remove it
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifdef CONTROL
    v = beta * v + g;
#endif
    x += beta * v + g;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
