// SPDX-License-Identifier: MIT
// expect: add: T derivative\(const ActionPoint<T>&\) const, for every scalar T
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>

using namespace optiform;

struct Ascend {
  using surrogate_concept = surrogate_tag;
  using Improvement = MirrorStep<NegativeEntropy>;

  template <class T>
  T value(const ActionPoint<T>& p) const {
    return p.ratio * p.advantage;
  }
#ifdef CONTROL
  template <class T>
  T derivative(const ActionPoint<T>& p) const {
    return p.advantage;
  }
#endif
};

PolicyOptimizer<Ascend, ExactCritic> optimizer;
