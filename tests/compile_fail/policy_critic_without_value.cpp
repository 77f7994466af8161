// SPDX-License-Identifier: MIT
// expect: a stabilizer needs the value of a policy, which only a critic with a model provides
#include <optiform/policy/policy_optimizer.hpp>
#include <optiform/policy/stabilizers/restart.hpp>
#include <optiform/rules/nesterov.hpp>

#include "ascend.hpp"

using namespace optiform;

/// Episodes of the current policy: no exact value.
struct Episodes {
  using critic_concept = critic_tag;
  static constexpr DataKind data_kind = DataKind::rollout;
  static constexpr unsigned provides = nothing;
};

#ifdef CONTROL
using Restart = GradientRestart;
#else
using Restart = ValueRestart;
#endif

PolicyOptimizer<Ascend<StepBy<Nesterov>>, Episodes, Restart> optimizer;
