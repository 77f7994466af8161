// SPDX-License-Identifier: MIT
// expect: add: constexpr void step\(Row g\)
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Descent : Rule {
  constexpr Row query() const { return x; }
#ifdef CONTROL
  constexpr void step(Row g) { x += g; }
#else
  constexpr void step(Row& g) { x += g; }
#endif
};

constexpr const Recording& recorded = recording<Descent>;
