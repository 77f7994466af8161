// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE Shampoo, Soap, BasicSoap<UncoupledInverseRoot>
#include "matrix_derivative_checks.hpp"
