// SPDX-License-Identifier: MIT
// expect: step never reads g, the oracle's output; use it in what is assigned
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step([[maybe_unused]] Row g) {
#ifdef CONTROL
    v = beta * v + g;
#else
    v = beta * v;
#endif
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
