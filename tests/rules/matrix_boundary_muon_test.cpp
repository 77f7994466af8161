// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE MuonCase
#include "matrix_boundary_checks.hpp"
