// SPDX-License-Identifier: MIT
// expect: a scalar where a row is meant; normalise, debias and assignments .* take rows
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifdef CONTROL
    v = beta * v;
#else
    v = beta;
#endif
    x += v + g;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
