// SPDX-License-Identifier: MIT
// expect: the operation takes other operands; .* gram\(row\), .* precondition\(row, square\)
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Whitened : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r += gram(g);
#ifdef CONTROL
    x += precondition(g, r);
#else
    x += precondition(r, g);
#endif
  }
};

constexpr const Recording& recorded = recording<Whitened>;
