// SPDX-License-Identifier: MIT
// expect: two streams or two coefficients of the rule have one name
#include <optiform/rules/recording.hpp>

using namespace optiform;

#ifdef CONTROL
constexpr const char* second = "beta2";
#else
constexpr const char* second = "beta";
#endif

struct Momentum : Rule {
  Row v = stream("velocity");
  Scalar beta = unit("beta", 0.5), other = unit(second, 0.9);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v = beta * v + other * g;
    x += v;
  }
};

constexpr const Recording& recorded = recording<Momentum>;
