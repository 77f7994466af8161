// SPDX-License-Identifier: MIT
// expect: a mirror, regression or trust region step needs a table of probabilities
#include <optiform/environments/tabular/mdp.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>

#include "ascend.hpp"

using namespace optiform;

struct Network {
  using policy_concept = policy_tag;
#ifdef CONTROL
  static constexpr bool is_table = true;
#else
  static constexpr bool is_table = false;
#endif
};

using Optimizer = PolicyOptimizer<Ascend<MirrorStep<NegativeEntropy>>, ExactCritic>;
using OnNetwork = Optimizer::on<Network, TabularMdp<>, NoBackend>;
