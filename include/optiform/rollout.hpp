// SPDX-License-Identifier: MIT
#pragma once

/// Policy optimization from episodes: environments, networks, critics that learn, on the CPU
/// backends.

#include <optiform/core/coefficient_schedules.hpp>              // IWYU pragma: export
#include <optiform/cpu/kernels.hpp>                             // IWYU pragma: export
#include <optiform/cpu/reference.hpp>                           // IWYU pragma: export
#include <optiform/environments/concept.hpp>                    // IWYU pragma: export
#include <optiform/environments/control/cart_pole.hpp>          // IWYU pragma: export
#include <optiform/environments/runner.hpp>                     // IWYU pragma: export
#include <optiform/policy/critics/gae.hpp>                      // IWYU pragma: export
#include <optiform/policy/policies/network_policy.hpp>          // IWYU pragma: export
#include <optiform/policy/policy_optimizer.hpp>                 // IWYU pragma: export
#include <optiform/policy/stabilizers/entropy_bonus.hpp>        // IWYU pragma: export
#include <optiform/policy/stabilizers/gradient_transforms.hpp>  // IWYU pragma: export
#include <optiform/policy/surrogates/hinge.hpp>                 // IWYU pragma: export
#include <optiform/policy/surrogates/policy_gradient.hpp>       // IWYU pragma: export
#include <optiform/rules/rules.hpp>                             // IWYU pragma: export
