// SPDX-License-Identifier: MIT
// expect: write: constexpr Row read_out\(\) const
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Descent : Rule {
  Scalar delta = unit("delta", 0.5);

  constexpr Row query() const { return x; }
  constexpr void step(Row g) { x += delta * g; }
#ifdef CONTROL
  constexpr Row read_out() const { return (1 + delta) * x; }
#else
  constexpr Scalar read_out() const { return delta; }
#endif
};

constexpr const Recording& recorded = recording<Descent>;
