// SPDX-License-Identifier: MIT
#include <optiform/rules/operations/inverse_root.hpp>

namespace optiform::testing {

/// An inverse root of a user.
struct OwnRoot : CoupledInverseRoot<> {};

}  // namespace optiform::testing

#define OPTIFORM_RULES_HERE Shampoo, Soap, BasicSoap<UncoupledInverseRoot>, BasicSoap<OwnRoot>
#include "matrix_derivative_checks.hpp"
