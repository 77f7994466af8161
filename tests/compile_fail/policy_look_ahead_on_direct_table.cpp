// SPDX-License-Identifier: MIT
// expect: a DirectTable cannot be asked at a look-ahead point
#include <optiform/environments/tabular/mdp.hpp>
#include <optiform/policy/critics/exact.hpp>
#include <optiform/policy/policies/direct_table.hpp>
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/nesterov.hpp>

#include "ascend.hpp"

using namespace optiform;

#ifdef CONTROL
using Momentum = HeavyBall;
#else
using Momentum = Nesterov;
#endif

using Optimizer = PolicyOptimizer<Ascend<StepBy<Momentum>>, ExactCritic>;
using OnTable = Optimizer::on<DirectTable, TabularMdp<>, NoBackend>;
