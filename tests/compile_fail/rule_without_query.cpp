// SPDX-License-Identifier: MIT
// expect: add: constexpr Row query\(\) const
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

#ifdef CONTROL
  constexpr Row query() const { return x; }
#endif
  constexpr void step(Row g) {
    v = beta * v + g;
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
