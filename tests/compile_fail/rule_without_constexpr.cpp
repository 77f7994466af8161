// SPDX-License-Identifier: MIT
// expect: mark query, step and the constructor of the rule constexpr
// lines: 50
#include <optiform/rules/recording.hpp>

using namespace optiform;

#ifdef CONTROL
#define MAYBE_CONSTEXPR constexpr
#else
#define MAYBE_CONSTEXPR
#endif

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  MAYBE_CONSTEXPR void step(Row g) {
    v = beta * v + g;
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
