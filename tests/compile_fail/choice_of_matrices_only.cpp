// SPDX-License-Identifier: MIT
// expect: OptimizerChoice - the optimizer trains matrices only
// not nvcc: weights are trained by code of the host
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/adam_w.hpp>
#include <optiform/training/chosen_optimizer.hpp>
#include <optiform/weights/hybrid_optimizer.hpp>
#include <optiform/weights/sharpness_aware.hpp>

using namespace optiform;

#ifdef CONTROL
using Optimizer = HybridOptimizer<MuonOptimizer<>, WeightOptimizer<AdamW>>;
#else
using Optimizer = MuonOptimizer<>;
#endif

const auto choice = OptimizerChoice<Reference, float>::of<SharpnessAware<Optimizer>>();
