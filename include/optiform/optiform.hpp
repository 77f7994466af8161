// SPDX-License-Identifier: MIT
#pragma once

/// Everything but backends: rules, oracles, and the drivers that make Transformers and weight
/// optimizers of them. A program also includes a backend, for instance <optiform/cpu.hpp>.

#include <optiform/core/backend.hpp>                 // IWYU pragma: export
#include <optiform/core/dual.hpp>                    // IWYU pragma: export
#include <optiform/core/error.hpp>                   // IWYU pragma: export
#include <optiform/core/memory.hpp>                  // IWYU pragma: export
#include <optiform/core/parameters.hpp>              // IWYU pragma: export
#include <optiform/core/random.hpp>                  // IWYU pragma: export
#include <optiform/core/tensor.hpp>                  // IWYU pragma: export
#include <optiform/depth/decoder.hpp>                // IWYU pragma: export
#include <optiform/depth/language_model.hpp>         // IWYU pragma: export
#include <optiform/oracles/activations.hpp>          // IWYU pragma: export
#include <optiform/oracles/attention.hpp>            // IWYU pragma: export
#include <optiform/oracles/gated_mlp.hpp>            // IWYU pragma: export
#include <optiform/oracles/mlp.hpp>                  // IWYU pragma: export
#include <optiform/rules/rules.hpp>                  // IWYU pragma: export
#include <optiform/weights/accelerated_numbers.hpp>  // IWYU pragma: export
#include <optiform/weights/average.hpp>              // IWYU pragma: export
#include <optiform/weights/hybrid_optimizer.hpp>     // IWYU pragma: export
#include <optiform/weights/muon.hpp>                 // IWYU pragma: export
#include <optiform/weights/schedules.hpp>            // IWYU pragma: export
#include <optiform/weights/shampoo.hpp>              // IWYU pragma: export
#include <optiform/weights/sharpness_aware.hpp>      // IWYU pragma: export
#include <optiform/weights/soap.hpp>                 // IWYU pragma: export
#include <optiform/weights/weight_optimizer.hpp>     // IWYU pragma: export
