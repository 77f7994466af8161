// SPDX-License-Identifier: MIT
// expect: row operations - the heads do not divide the width; choose heads with width % heads == 0
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/muon.hpp>

using namespace optiform;

using Step = Dynamics<Muon, DepthOptions{}, 1>;
#ifdef CONTROL
constexpr int heads = 3;
#else
constexpr int heads = 5;
#endif

constexpr UnitShape shape = unit_shape<Forward<Boundary<Step, Step>>, 12, heads>();
static_assert(shape.heads == heads);
