// SPDX-License-Identifier: MIT
// expect: WeightOptimizer - the rule takes row operations, which are for the layers of a network
// not nvcc: weights are trained by code of the host
#include <optiform/cpu/reference.hpp>
#include <optiform/rules/heavy_ball.hpp>
#include <optiform/rules/muon.hpp>
#include <optiform/weights/weight_optimizer.hpp>

using namespace optiform;

#ifdef CONTROL
using R = HeavyBall;
#else
using R = Muon;
#endif

template class WeightOptimizer<R>::on<Reference, float>;
