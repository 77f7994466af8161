// SPDX-License-Identifier: MIT
// expect: step never writes x, the iterate, and the rule reads out nothing else
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v = beta * v + g;
#ifdef CONTROL
    x += v;
#else
    const Row next = x + v;
    static_cast<void>(next);
#endif
  }
};

constexpr const Recording& recorded = recording<Momentum>;
