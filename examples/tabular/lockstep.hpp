// SPDX-License-Identifier: MIT
#pragma once

#include "problem.hpp"

// The process must have 5 states and 5 actions.
void lockstep_policy_gradient(const std::vector<Problem>&, const Numbers&,
                              const std::vector<std::int64_t>& at, const LockstepReport&);
void lockstep_heavy_ball(const std::vector<Problem>&, const Numbers&,
                         const std::vector<std::int64_t>& at, const LockstepReport&);
void lockstep_accelerated(const std::vector<Problem>&, const Numbers&,
                          const std::vector<std::int64_t>& at, const LockstepReport&);
