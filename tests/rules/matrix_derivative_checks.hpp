// SPDX-License-Identifier: MIT
#pragma once

// Checks of OPTIFORM_RULES_HERE, a list of rules with row operations: translation units share them,
// so that each compiles in seconds.
#include <doctest/doctest.h>

#include "boundary_derivative.hpp"

namespace optiform::testing {
namespace {

/// The polynomials of the iterations turn within 1e-3: the step must be small against that.
template <class R, class Backend, Norm VelocityNorm, Index Width, int Heads>
void check(Index rows, std::uint64_t seed) {
  check_boundary<R, Backend, VelocityNorm, Width, Heads>(rows, Width, seed, 1e-5, 2e-5);
}

}  // namespace

TEST_CASE_TEMPLATE("derived backward programs of matrix rules are the derivative", R,
                   OPTIFORM_RULES_HERE) {
  check<R, Reference, Norm::layer_norm, 12, 3>(2, 17);
  check<R, Reference, Norm::layer_norm, 6, 1>(2, 18);
  check<R, Reference, Norm::none, 15, 5>(2, 19);
  check<R, Cpu, Norm::rms_norm, 15, 3>(18, 20);
}

}  // namespace optiform::testing
