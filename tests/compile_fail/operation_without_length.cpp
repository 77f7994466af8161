// SPDX-License-Identifier: MIT
// expect: run_rows - .* need the row length and the heads; write run_rows<Program, Length, Heads>
#include <optiform/cpu/reference.hpp>
#include <optiform/depth/dynamics.hpp>
#include <optiform/rules/ortho.hpp>

using namespace optiform;

using Step = Dynamics<Ortho, DepthOptions{}, 1>;
using Program = Forward<Boundary<Step, Step>>;

void run(context_t<Reference>& context, const RowArguments<double>& rows) {
#ifdef CONTROL
  kernels<Reference>::run_rows<Program, 12, 3>(context, rows);
#else
  kernels<Reference>::run_rows<Program>(context, rows);
#endif
}
