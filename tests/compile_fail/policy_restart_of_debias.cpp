// SPDX-License-Identifier: MIT
// expect: GradientStep - a restart zeroes the streams of a rule but not its clock
// not nvcc: policies are trained by code of the host
#include <optiform/cpu/kernels.hpp>
#include <optiform/policy/improvements/rule_ascent.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/nesterov.hpp>

using namespace optiform;

#ifdef CONTROL
using Momentum = Nesterov;
#else
using Momentum = Adam;
#endif

void restart(RuleAscent<Momentum, Cpu, double>& ascent, bool mask) { ascent.restart(mask); }
