// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE ShampooCase
#include "matrix_boundary_checks.hpp"
