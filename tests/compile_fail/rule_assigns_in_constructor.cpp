// SPDX-License-Identifier: MIT
// expect: constructor of the rule assigns to x or to a stream
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Average : Rule {
  Row z = stream("average of iterates");
  Scalar beta = unit("beta", 0.5);

  constexpr Average() {
#ifndef CONTROL
    z = x;
#endif
  }
  constexpr Row query() const { return z; }
  constexpr void step(Row g) {
    x += g;
    z = beta * z + (1 - beta) * x;
  }
};

constexpr const Recording& recorded = recording<Average>;
