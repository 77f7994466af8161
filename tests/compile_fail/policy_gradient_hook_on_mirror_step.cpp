// SPDX-License-Identifier: MIT
// expect: a stabilizer changes the loss or the gradient, which this improvement step has none of
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/improvements/mirror_step.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/stabilizers/gradient_transforms.hpp>

#include "ascend.hpp"

using namespace optiform;

#ifdef CONTROL
using Optimizer = PolicyOptimizer<Ascend<MirrorStep<NegativeEntropy>>, ExactCritic>;
#else
using Optimizer =
    PolicyOptimizer<Ascend<MirrorStep<NegativeEntropy>>, ExactCritic, ClippedGradientNorm>;
#endif
constexpr auto instantiated = sizeof(Optimizer);
