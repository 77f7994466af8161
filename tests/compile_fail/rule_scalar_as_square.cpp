// SPDX-License-Identifier: MIT
// expect: a scalar where a covariance is meant; .* inverse roots damp its diagonal themselves
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Damped : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r = 0.9 * r + 0.1 * gram(g);
#ifdef CONTROL
    x += precondition(g, r);
#else
    x += precondition(g, r + 1e-6);
#endif
  }
};

constexpr const Recording& recorded = recording<Damped>;
