// SPDX-License-Identifier: MIT
// expect: the rule mixes a covariance with a row; a Square takes .* scalar factors
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Signs : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r += gram(g);
#ifdef CONTROL
    x += sign(precondition(g, r));
#else
    x += precondition(g, r) * sign(r);
#endif
  }
};

constexpr const Recording& recorded = recording<Signs>;
