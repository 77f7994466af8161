// SPDX-License-Identifier: MIT
// expect: rule pins what is no coefficient
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Half : Rule {
  Scalar beta = unit("beta", 0.5), rest = 1 - beta;

  constexpr Half() {
#ifdef CONTROL
    pin(beta, 0.5);
#else
    pin(rest, 0.5);
#endif
  }
  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += beta * g + rest * x; }
};

constexpr const Recording& recorded = recording<Half>;
