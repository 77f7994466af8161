// SPDX-License-Identifier: MIT
// expect: WeightOptimizer - the learning rate would do nothing to the rule's steps
// not nvcc: weights are trained by code of the host
#include <optiform/weights/weight_optimizer.hpp>

using namespace optiform;

struct Momentum : Rule {
  Row v = stream("velocity");
#ifdef CONTROL
  Scalar step_size = rate("gamma");
#else
  Scalar step_size = positive("alpha", 0.7);
#endif

  constexpr Row query() const { return x; }
  constexpr void step(Row g) {
    v += g;
    x += step_size * v;
  }
};

WeightOptimizer<Momentum> description;
