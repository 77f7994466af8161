// SPDX-License-Identifier: MIT
// expect: query of the rule normalises; oracles normalise what they are asked
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct LookAhead : Rule {
  Row v = stream("velocity");
  Scalar mu = unit("mu", 0.5);

#ifdef CONTROL
  constexpr Row query() const { return x + mu * v; }
#else
  constexpr Row query() const { return x + mu * normalise(v); }
#endif
  constexpr void step(Row g) {
    v = normalise(v + g);
    x += v;
  }
};

constexpr const Recording& recorded = recording<LookAhead>;
