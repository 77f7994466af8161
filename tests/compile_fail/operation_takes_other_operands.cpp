// SPDX-License-Identifier: MIT
// expect: apply - the operation takes other operands; give it what it declares
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Whitened : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r += gram(g);
#ifdef CONTROL
    x += apply<Precondition<>>(g, r);
#else
    x += apply<Precondition<>>(r, g);
#endif
  }
};

constexpr const Recording& recorded = recording<Whitened>;
