// SPDX-License-Identifier: MIT
// expect: a stream starts where it cannot; choose Init::learned, zeros or ones for a stream
#include <optiform/rules/operations.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Whitened : Rule {
#ifdef CONTROL
  Square r = covariance("covariance", Init::zeros);
#else
  Square r = covariance("covariance", Init::learned);
#endif

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    r += gram(g);
    x += precondition(g, r);
  }
};

constexpr const Recording& recorded = recording<Whitened>;
