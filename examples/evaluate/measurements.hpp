// SPDX-License-Identifier: MIT
#pragma once

#include "subject.hpp"

// Each prints its lines; see docs/evaluation.md for what they mean. All throw optiform::Error.
void measure_perplexities(const Subject&);
void measure_hybrids(const Subject&);
void measure_hessian(const Subject&);
void measure_slice(const Subject&);
void measure_tuning(const Subject&);
void measure_jacobians(const Subject&);
void measure_entropy(const Subject&);
void print_scalars(const Subject&);
