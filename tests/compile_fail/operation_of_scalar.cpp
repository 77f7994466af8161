// SPDX-License-Identifier: MIT
// expect: the operation takes other operands; .* gram\(row\), .* precondition\(row, square\)
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Constant : Rule {
  Scalar gamma = positive("gamma", 1);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
#ifdef CONTROL
    x += orthogonalise(gamma * g);
#else
    x += orthogonalise(gamma) * g;
#endif
  }
};

constexpr const Recording& recorded = recording<Constant>;
