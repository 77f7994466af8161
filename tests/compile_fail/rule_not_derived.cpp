// SPDX-License-Identifier: MIT
// expect: an update rule derives from optiform::Rule
#include <optiform/rules/recording.hpp>

using namespace optiform;

#ifdef CONTROL
struct Momentum : Rule {
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += g; }
};
#else
struct Momentum {
  constexpr int query() const { return 0; }
  constexpr void step(Row) {}
};
#endif

constexpr const Recording& recorded = recording<Momentum>;
