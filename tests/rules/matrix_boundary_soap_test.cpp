// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE SoapCase
#include "matrix_boundary_checks.hpp"
