// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE GradientDescentCase, HeavyBallCase, NesterovCase, TripleMomentumCase
#include "boundary_checks.hpp"
