// SPDX-License-Identifier: MIT
#pragma once

/// Every update rule of the library.

#include <optiform/rules/adam.hpp>              // IWYU pragma: export
#include <optiform/rules/adam_w.hpp>            // IWYU pragma: export
#include <optiform/rules/gradient_descent.hpp>  // IWYU pragma: export
#include <optiform/rules/heavy_ball.hpp>        // IWYU pragma: export
#include <optiform/rules/lion.hpp>              // IWYU pragma: export
#include <optiform/rules/muon.hpp>              // IWYU pragma: export
#include <optiform/rules/nadam.hpp>             // IWYU pragma: export
#include <optiform/rules/nesterov.hpp>          // IWYU pragma: export
#include <optiform/rules/ortho.hpp>             // IWYU pragma: export
#include <optiform/rules/rms_prop.hpp>          // IWYU pragma: export
#include <optiform/rules/sgd.hpp>               // IWYU pragma: export
#include <optiform/rules/shampoo.hpp>           // IWYU pragma: export
#include <optiform/rules/soap.hpp>              // IWYU pragma: export
#include <optiform/rules/triple_momentum.hpp>   // IWYU pragma: export
