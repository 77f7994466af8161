// SPDX-License-Identifier: MIT
#define OPTIFORM_RULES_HERE RmsPropCase, AdamCase, AdamWCase
#include "boundary_checks.hpp"
