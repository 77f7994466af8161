// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE OrthoCase
#include "matrix_boundary_checks.hpp"
