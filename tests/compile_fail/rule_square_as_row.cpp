// SPDX-License-Identifier: MIT
// expect: the rule mixes a covariance with a row; a Square takes .* scalar factors
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Whitened : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = 0.9 * r + 0.1 * gram(g);
#ifdef CONTROL
    x += precondition(g, r);
#else
    x += r * g;
#endif
  }
};

constexpr const Recording& recorded = recording<Whitened>;
