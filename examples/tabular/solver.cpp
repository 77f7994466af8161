// SPDX-License-Identifier: MIT
// Eigen's decompositions, compiled once for all families of methods.
#include "run_method.hpp"

template class optiform::linear_solver<optiform::Cpu>::Dense<double>;
template class optiform::linear_solver<optiform::Cpu>::Sparse<double>;
