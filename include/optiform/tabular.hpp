// SPDX-License-Identifier: MIT
#pragma once

/// Exact policy optimization on finite processes: environments, policies, surrogates, critics and
/// stabilizers, and the solvers of the CPU backends (Eigen).

#include <optiform/core/coefficient_schedules.hpp>              // IWYU pragma: export
#include <optiform/core/lanes.hpp>                              // IWYU pragma: export
#include <optiform/cpu/kernels.hpp>                             // IWYU pragma: export
#include <optiform/cpu/reference.hpp>                           // IWYU pragma: export
#include <optiform/cpu/reference_solve.hpp>                     // IWYU pragma: export
#include <optiform/cpu/solve.hpp>                               // IWYU pragma: export
#include <optiform/environments/tabular/evaluation.hpp>         // IWYU pragma: export
#include <optiform/environments/tabular/library.hpp>            // IWYU pragma: export
#include <optiform/environments/tabular/mdp.hpp>                // IWYU pragma: export
#include <optiform/environments/tabular/planning.hpp>           // IWYU pragma: export
#include <optiform/environments/tabular/small_mdp.hpp>          // IWYU pragma: export
#include <optiform/policy/asymptotics.hpp>                      // IWYU pragma: export
#include <optiform/policy/critics/exact.hpp>                    // IWYU pragma: export
#include <optiform/policy/critics/sampled.hpp>                  // IWYU pragma: export
#include <optiform/policy/policies/direct_table.hpp>            // IWYU pragma: export
#include <optiform/policy/policies/softmax_table.hpp>           // IWYU pragma: export
#include <optiform/policy/policy_optimizer.hpp>                 // IWYU pragma: export
#include <optiform/policy/stabilizers/gradient_transforms.hpp>  // IWYU pragma: export
#include <optiform/policy/stabilizers/restart.hpp>              // IWYU pragma: export
#include <optiform/policy/step_sizes.hpp>                       // IWYU pragma: export
#include <optiform/policy/surrogates/hinge.hpp>                 // IWYU pragma: export
#include <optiform/policy/surrogates/policy_gradient.hpp>       // IWYU pragma: export
#include <optiform/rules/rules.hpp>                             // IWYU pragma: export
