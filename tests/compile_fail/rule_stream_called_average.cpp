// SPDX-License-Identifier: MIT
// expect: or a stream is called iterate or average, as vectors of the drivers are
#include <optiform/rules/recording.hpp>

using namespace optiform;

#ifdef CONTROL
constexpr const char* name = "average of gradients";
#else
constexpr const char* name = "average";
#endif

struct Smoothed : Rule {
  Row a = stream(name);
  Scalar beta = unit("beta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    a = beta * a + (1 - beta) * g;
    x += a;
  }
};

constexpr const Recording& recorded = recording<Smoothed>;
