// SPDX-License-Identifier: MIT
// expect: the operation takes other operands; .* gram\(row\), .* precondition\(row, square\)
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Twice : Rule {
  Square r = covariance("covariance");

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifdef CONTROL
    r += gram(g);
#else
    r += gram(gram(g));
#endif
    x += g;
  }
};

constexpr const Recording& recorded = recording<Twice>;
