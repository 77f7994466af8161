// SPDX-License-Identifier: MIT
// expect: add: constexpr void step.Row g.
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
#ifdef CONTROL
  constexpr void step(Row g) {
    v = beta * v + g;
    x += v;
  }
#endif
};

constexpr const Recording& recorded = recording<Momentum>;
