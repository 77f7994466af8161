// SPDX-License-Identifier: MIT
// expect: an exact critic needs an environment with a model
#include <optiform/environments/tabular/mdp.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>

#include "ascend.hpp"

using namespace optiform;

/// Can be acted in, but not looked into.
struct CartPole {
  void reset(int seed);
  double step(int action);
};

#ifdef CONTROL
using Environment = TabularMdp<>;
#else
using Environment = CartPole;
#endif

using Optimizer = PolicyOptimizer<Ascend<MirrorStep<NegativeEntropy>>, ExactCritic>;
using OnEnvironment = Optimizer::on<SoftmaxTable, Environment, NoBackend>;
