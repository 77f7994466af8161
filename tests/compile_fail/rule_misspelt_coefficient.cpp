// SPDX-License-Identifier: MIT
// expect: betta. was not declared .*mean .beta|undeclared .*betta|.betta. is undefined
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifdef CONTROL
    v = beta * v + g;
#else
    v = betta * v + g;
#endif
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
