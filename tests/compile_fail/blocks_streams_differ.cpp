// SPDX-License-Identifier: MIT
// expect: two consecutive blocks carry different streams; give all blocks of a network rules
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/adam.hpp>
#include <optiform/rules/nesterov.hpp>

using namespace optiform;

using Attention = Dynamics<TripleMomentum, DepthOptions{}, 1>;
#ifdef CONTROL
using Mlp = Dynamics<Nesterov, DepthOptions{}, 1>;
#else
using Mlp = Dynamics<Adam, DepthOptions{}, 1>;
#endif

constexpr const Graph& graph = Forward<Boundary<Attention, Mlp>>::graph;
