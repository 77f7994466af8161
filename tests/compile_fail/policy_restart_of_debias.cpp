// SPDX-License-Identifier: MIT
// expect: GradientStep - a restart zeroes the streams of a rule but not its clock
// not nvcc: policies are trained by code of the host
#include <optiform/cpu.hpp>
#include <optiform/tabular.hpp>

using namespace optiform;

#ifdef CONTROL
using Rule_ = Nesterov;
#else
using Rule_ = Adam;
#endif
using Learner = PolicyOptimizer<PolicyGradient<Rule_>, ExactCritic,
                                ValueRestart>::on<SoftmaxTable, TabularMdp<>, Cpu>;

void learn(Learner& learner) { learner.step(); }
