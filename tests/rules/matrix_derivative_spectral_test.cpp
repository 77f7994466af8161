// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE Ortho, Muon, BasicMuon<PolarExpress>
#include "matrix_derivative_checks.hpp"
