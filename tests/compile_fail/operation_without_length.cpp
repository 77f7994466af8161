// SPDX-License-Identifier: MIT
// expect: run_rows - .* need the row length and the heads; write run_rows<Program, Length, Heads>
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/ortho.hpp>

using namespace optiform;

using Step = Dynamics<Ortho, DepthOptions{}, 1>;
#ifdef CONTROL
constexpr Index length = 12;
#else
constexpr Index length = 0;
#endif

constexpr UnitShape shape = unit_shape<Forward<Boundary<Step, Step>>, length, 3>();
static_assert(shape.heads > 0);
