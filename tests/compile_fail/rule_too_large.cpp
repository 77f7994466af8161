// SPDX-License-Identifier: MIT
// expect: rule is too large to record; at most 6 streams, 16 coefficients, 4 norms and 256
// operations
#include <optiform/rules/recording.hpp>

using namespace optiform;

#ifdef CONTROL
constexpr int terms = 60;
#else
constexpr int terms = 200;
#endif

struct Repeated : Rule {
  Scalar beta = unit("beta", 0.9);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    Row u = g;
    for (int i = 0; i < terms; ++i) u = beta * u + g;
    x += u;
  }
};

constexpr const Recording& recorded = recording<Repeated>;
