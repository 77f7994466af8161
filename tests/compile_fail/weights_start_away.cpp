// SPDX-License-Identifier: MIT
// expect: WeightOptimizer - with streams of zero the rule asks its oracle away from the iterate
// not nvcc: weights are trained by code of the host
#include <optiform/weights/weight_optimizer.hpp>

using namespace optiform;

struct Doubling : Rule {
  Scalar gamma = rate("gamma");
#ifdef CONTROL
  constexpr Row query() const { return x; }
#else
  constexpr Row query() const { return 2 * x; }
#endif
  constexpr void step(Row g) { x += gamma * g; }
};

WeightOptimizer<Doubling> description;
