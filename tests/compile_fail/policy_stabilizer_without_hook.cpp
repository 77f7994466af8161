// SPDX-License-Identifier: MIT
// expect: add a hook: template <class State> void after_update\(State&\)
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>

#include "ascend.hpp"

using namespace optiform;

struct Watch {
  using stabilizer_concept = stabilizer_tag;
  static constexpr unsigned needs = nothing;
#ifdef CONTROL
  template <class State>
  void after_update(State&) {}
#endif
};

PolicyOptimizer<Ascend<MirrorStep<NegativeEntropy>>, ExactCritic, Watch> optimizer;
