// SPDX-License-Identifier: MIT
// Includes every public header. Linked beside its twin into every test executable, so that a
// function that is neither a template, constexpr nor inline is a link error.
#include "all_headers.hpp"
