// SPDX-License-Identifier: MIT
// expect: rule uses a value of another rule that it holds; derive from that rule instead
#include <optiform/rules/adam.hpp>
#include <optiform/rules/recording.hpp>

using namespace optiform;

struct Half : Rule {
  Adam inner;

  constexpr Row query() const { return x; }
  constexpr void step([[maybe_unused]] Row g) {
#ifdef CONTROL
    x += 0.5 * g;
#else
    inner.step(g);
    x += 0.5 * inner.x;
#endif
  }
};

constexpr const Recording& recorded = recording<Half>;
