// SPDX-License-Identifier: MIT
#include <optiform/core/newton_schulz.hpp>

namespace optiform::testing {

/// A polynomial of a user.
struct ThreeSteps {
  static constexpr int steps = 3;
  static constexpr Quintic step(int) { return {1.875, -1.25, 0.375}; }
};

}  // namespace optiform::testing

#define OPTIFORM_RULES_HERE Ortho, Muon, BasicMuon<PolarExpress>, BasicMuon<ThreeSteps>
#include "matrix_derivative_checks.hpp"
