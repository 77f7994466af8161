// SPDX-License-Identifier: MIT
// expect: step assigns to a coefficient; .* keep what changes in a stream
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifndef CONTROL
    beta = 0.5 * beta;
#endif
    v = beta * v + g;
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
