// SPDX-License-Identifier: MIT
// expect: a scalar where a row is meant; normalise, debias and assignments .* take rows
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v = beta * v + g;
#ifdef CONTROL
    x += normalise(beta * v);
#else
    x += normalise(beta) * v;
#endif
  }
};

constexpr const Recording& recorded = recording<Momentum>;
